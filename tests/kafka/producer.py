"""librdkafka's own producer, by ctypes, for what kcat cannot do.

    producer = Producer(brokers, {"transactional.id": "x"})
    producer.send("payments", b"value", partition=0, key=b"\\0", headers=[(b"h", None)], timestamp=1)
    producer.flush()
    producer.call("begin_transaction")
"""
import ctypes
import sys

LIMIT_MS = 60_000
RD = ctypes.CDLL("librdkafka.so.1")
for name in ("conf_new", "new", "init_transactions", "begin_transaction", "commit_transaction",
             "abort_transaction", "produceva"):
    getattr(RD, "rd_kafka_" + name).restype = ctypes.c_void_p
RD.rd_kafka_error_string.restype = ctypes.c_char_p
PRODUCER, COPY = 0, 2  # RD_KAFKA_PRODUCER, RD_KAFKA_MSG_F_COPY
TOPIC, PARTITION, VALUE, KEY, FLAGS, TIMESTAMP, HEADER = 1, 3, 4, 5, 7, 8, 9  # rd_kafka_vtype_t


class Memory(ctypes.Structure):
    _fields_ = [("pointer", ctypes.c_void_p), ("size", ctypes.c_size_t)]


class Header(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("value", ctypes.c_void_p), ("size", ctypes.c_ssize_t)]


class Either(ctypes.Union):
    _fields_ = [("text", ctypes.c_char_p), ("small", ctypes.c_int32), ("large", ctypes.c_int64), ("memory", Memory),
                ("header", Header), ("padding", ctypes.c_char * 64)]


class Field(ctypes.Structure):
    """rd_kafka_vu_t"""
    _fields_ = [("type", ctypes.c_int), ("is", Either)]


def good(error):
    if error:
        sys.exit(RD.rd_kafka_error_string(ctypes.c_void_p(error)).decode())


class Producer:
    def __init__(self, brokers, properties):
        conf = ctypes.c_void_p(RD.rd_kafka_conf_new())
        why = ctypes.create_string_buffer(512)
        for key, value in {"bootstrap.servers": brokers, **properties}.items():
            if RD.rd_kafka_conf_set(conf, key.encode(), value.encode(), why, 512) != 0:
                sys.exit(why.value.decode())
        self.handle = ctypes.c_void_p(RD.rd_kafka_new(PRODUCER, conf, why, 512))
        if not self.handle.value:
            sys.exit(why.value.decode())

    def call(self, name, *arguments):
        good(getattr(RD, "rd_kafka_" + name)(self.handle, *arguments))

    def send(self, topic, value, partition=-1, key=None, headers=(), timestamp=0):
        """None is null. A timestamp of 0 is now."""
        held = []

        def memory(data):
            if data is None:
                return None, 0
            held.append(ctypes.create_string_buffer(data, len(data) + 1))
            return ctypes.cast(held[-1], ctypes.c_void_p).value, len(data)

        fields = [Field(TOPIC, Either(text=topic.encode())), Field(PARTITION, Either(small=partition)),
                  Field(VALUE, Either(memory=Memory(*memory(value)))), Field(KEY, Either(memory=Memory(*memory(key)))),
                  Field(FLAGS, Either(small=COPY)), Field(TIMESTAMP, Either(large=timestamp))]
        fields += [Field(HEADER, Either(header=Header(name, *memory(data)))) for name, data in headers]
        self.call("produceva", (Field * len(fields))(*fields), ctypes.c_size_t(len(fields)))

    def flush(self):
        if RD.rd_kafka_flush(self.handle, LIMIT_MS) != 0:
            sys.exit("not delivered")
