# block templates
