"""A network that misbehaves: a TCP proxy on loopback, in a thread of its own.

    proxy = Proxy(port, target_port)
    proxy.slow(0.2)      # each piece of data, in either direction, takes up to so long
    proxy.deafen()       # answers are held back: what was asked for may have been done
    proxy.blackhole()    # nothing gets through, in either direction, and nobody is told
    proxy.cut()          # ends all connections; what was held back is lost
    proxy.heal()         # as a good network; what was held back arrives late
    proxy.close()
"""
import asyncio
import random
import threading

PIECE_BYTES = 65536


class Proxy:
    def __init__(self, port, target_port, seed=0):
        self.port, self.target_port = port, target_port
        self.random = random.Random(seed)
        self.delay_s = 0.0
        self.pairs = set()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.call(self.start())

    def call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    async def start(self):
        self.questions, self.answers = asyncio.Event(), asyncio.Event()  # set: they get through
        self.questions.set()
        self.answers.set()
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", self.port)

    async def serve(self, reader, writer):
        try:
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            writer.transport.abort()
            return
        pair = (writer, to_writer)
        self.pairs.add(pair)
        pumps = [asyncio.ensure_future(self.pump(reader, to_writer, self.questions)),
                 asyncio.ensure_future(self.pump(to_reader, writer, self.answers))]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        for each in pair:
            each.transport.abort()
        self.pairs.discard(pair)

    async def pump(self, reader, writer, gate):
        try:
            while True:
                data = await reader.read(PIECE_BYTES)
                if not data:
                    return
                if self.delay_s:
                    await asyncio.sleep(self.random.uniform(0, self.delay_s))
                await gate.wait()
                writer.write(data)
                await writer.drain()
        except OSError:
            return

    def slow(self, delay_s):
        self.delay_s = delay_s

    def deafen(self):
        self.loop.call_soon_threadsafe(self.answers.clear)

    def blackhole(self):
        self.loop.call_soon_threadsafe(self.questions.clear)
        self.loop.call_soon_threadsafe(self.answers.clear)

    def heal(self):
        self.delay_s = 0.0
        self.loop.call_soon_threadsafe(self.questions.set)
        self.loop.call_soon_threadsafe(self.answers.set)

    def cut(self):
        async def abort():
            for pair in list(self.pairs):
                for each in pair:
                    each.transport.abort()
        self.call(abort())

    def close(self):
        async def end():
            self.server.close()
            for pair in list(self.pairs):
                for each in pair:
                    each.transport.abort()
        self.call(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
