# ochre-cli, ochre-tx, ochre-util
