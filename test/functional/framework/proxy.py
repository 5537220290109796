"""A TCP proxy that behaves like a bad network: delay, little bandwidth, stalls, resets, halves
of connections that die silently, partitions that heal.

One thread serves all links. A Link stands between two nodes: one connects to link.address and
gets the other. What is written while a link is cut waits, as TCP would send it again later.
"""
import asyncio
import random
import socket
import struct
import threading

CHUNK = 16384
QUEUE = 64             # chunks on their way, each direction


class Network:
    """The thread, and the links by name."""

    def __init__(self, seed=0):
        self.rng = random.Random(seed)
        self.links = []
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def note(self):
        """What the network did, for a report."""
        return (f", {sum(link.carried for link in self.links) >> 10} KiB carried, "
                f"{sum(link.resets for link in self.links)} resets")

    def node(self, lab, *args, **kwargs):
        """A node that is not started yet."""
        return lab.node(*args, start=False, **kwargs)

    def link(self, node, target, **weather):
        """A new link from a node (which may be none yet) to another."""
        del node
        link = Link(self, target.p2p_port, **weather)
        self.call(link.listen())
        self.links.append(link)
        return link

    @staticmethod
    async def _end():
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def close(self):
        for link in self.links:
            self.call(link.close())
        self.call(self._end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()


class Link:
    """delay: seconds each way; rate: octets a second (0: any); stall and reset: chances of
    either, for each chunk."""

    def __init__(self, network, target, delay=0.0, rate=0, stall=0.0, reset=0.0):
        self.network, self.target = network, target
        self.weather(delay, rate, stall, reset)
        self.cut = False          # nothing passes, nothing is lost
        self.refuses = False      # new connections
        self.pairs = set()        # of writers
        self.dead = set()         # pairs that went silent for good
        self.carried = 0          # octets
        self.resets = 0

    async def listen(self):
        self.server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self.server.sockets[0].getsockname()[1]}"

    async def close(self):
        self.server.close()
        self._drop(list(self.pairs))

    # from the test's thread ----------------------------------------------
    def weather(self, delay=0.0, rate=0, stall=0.0, reset=0.0):
        self.delay, self.rate, self.stall, self.reset = delay, rate, stall, reset

    def reset_all(self):
        """Every connection ends with a reset."""
        async def do():
            self._drop(list(self.pairs))
        self.network.call(do())

    def silence(self):
        """What is connected now is half open from here on: neither side is told."""
        async def do():
            self.dead |= self.pairs
        self.network.call(do())

    # the proxy -----------------------------------------------------------
    def _drop(self, pairs):
        for pair in pairs:
            for writer in pair:
                sock = writer.get_extra_info("socket")
                try:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                except (OSError, AttributeError):
                    pass
                writer.transport.abort()
            self.pairs.discard(pair)
            self.dead.discard(pair)

    async def _accept(self, reader, writer):
        if self.refuses or self.cut:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        pair = (writer, far_writer)
        self.pairs.add(pair)
        try:
            await asyncio.gather(self._carry(reader, far_writer, pair),
                                 self._carry(far_reader, writer, pair))
        except (OSError, asyncio.CancelledError):
            pass
        self._drop([pair])

    async def _carry(self, reader, writer, pair):
        """One direction. A chunk is delivered its delay after it came."""
        queue = asyncio.Queue(QUEUE)
        sender = asyncio.ensure_future(self._deliver(queue, writer, pair))
        loop = asyncio.get_running_loop()
        try:
            while data := await reader.read(CHUNK):
                await queue.put((loop.time() + self.delay, data))
                if sender.done():
                    break
            await queue.put((0, b""))
            await sender
        finally:
            sender.cancel()
            self._drop([pair])

    async def _deliver(self, queue, writer, pair):
        loop = asyncio.get_running_loop()
        while True:
            due, data = await queue.get()
            if not data and pair not in self.dead:
                return
            await asyncio.sleep(max(due - loop.time(), 0))
            await self._suffer(len(data), pair)
            if pair in self.dead:
                continue
            writer.write(data)
            await writer.drain()
            self.carried += len(data)

    async def _suffer(self, octets, pair):
        rng = self.network.rng
        if self.reset and rng.random() < self.reset:
            self.resets += 1
            self._drop([pair])
            raise ConnectionResetError
        if self.stall and rng.random() < self.stall:
            await asyncio.sleep(rng.uniform(0.1, 0.6))
        if self.rate:
            await asyncio.sleep(octets / self.rate)
        while self.cut:
            await asyncio.sleep(0.02)
