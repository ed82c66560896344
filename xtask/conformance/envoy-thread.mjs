// Envoy as the filter sees it: the proxy-wasm ABI 0.2.1 around one virtual machine, with one request
// at a time. What other threads share is handed in.

const [OK, NOT_FOUND, BAD_ARGUMENT, CAS_MISMATCH] = [0, 1, 2, 8];
const [REQUEST_HEADERS, REQUEST_TRAILERS, CALL_HEADERS] = [0, 1, 6];
const [CALL_BODY, CONFIGURATION] = [4, 7];
const [ROOT, STREAM] = [1, 2];
const CONTINUE = 0;
const DEBUG = 1;

/** A thread of Envoy. */
export class Thread {
  constructor(module, configuration, shared = new Map()) {
    this.configuration = Buffer.from(configuration);
    this.shared = shared;
    this.calls = [];
    this.log = [];
    this.removed = [];
    this.set = [];
    this.answer = null;
    // The library imports every function there is. One that isn't here throws when it is called.
    const imports = WebAssembly.Module.imports(module);
    const functions = imports.map(({ name }) => [name, (...words) => this[name](...words)]);
    this.filter = new WebAssembly.Instance(module, { env: Object.fromEntries(functions) }).exports;
    this.filter._initialize();
  }

  // Memory.

  bytes(at, size) {
    return Buffer.from(this.filter.memory.buffer.slice(at >>> 0, (at >>> 0) + (size >>> 0)));
  }

  number(at, value) {
    new DataView(this.filter.memory.buffer).setUint32(at >>> 0, value, true);
  }

  give(bytes, dataAt, sizeAt) {
    const at = this.filter.malloc(bytes.length);
    new Uint8Array(this.filter.memory.buffer).set(bytes, at >>> 0);
    this.number(dataAt, at);
    this.number(sizeAt, bytes.length);
    return OK;
  }

  // What the filter asks for.

  proxy_log(level, at, size) {
    this.log.push(this.bytes(at, size).toString());
    return OK;
  }

  proxy_get_log_level(at) {
    this.number(at, DEBUG);
    return OK;
  }

  proxy_get_current_time_nanoseconds(at) {
    const nanoseconds = this.now * 1_000_000_000n;
    new DataView(this.filter.memory.buffer).setBigUint64(at >>> 0, nanoseconds, true);
    return OK;
  }

  proxy_set_tick_period_milliseconds() {
    return OK;
  }

  proxy_set_effective_context() {
    return OK;
  }

  proxy_get_buffer_bytes(buffer, start, size, dataAt, sizeAt) {
    const bytes = { [CONFIGURATION]: this.configuration, [CALL_BODY]: this.reply?.body }[buffer];
    if (!bytes) return NOT_FOUND;
    return this.give(bytes.subarray(start, start + (size >>> 0)), dataAt, sizeAt);
  }

  proxy_get_header_map_pairs(map, dataAt, sizeAt) {
    if (map === REQUEST_TRAILERS) return this.give(serialize([]), dataAt, sizeAt);
    if (map !== REQUEST_HEADERS) return BAD_ARGUMENT;
    return this.give(serialize(this.headers), dataAt, sizeAt);
  }

  proxy_get_header_map_value(map, at, size, dataAt, sizeAt) {
    const value = map === CALL_HEADERS && this.reply?.headers[this.bytes(at, size).toString()];
    return value ? this.give(Buffer.from(value), dataAt, sizeAt) : NOT_FOUND;
  }

  proxy_remove_header_map_value(map, at, size) {
    this.removed.push(this.bytes(at, size).toString("latin1"));
    return OK;
  }

  proxy_replace_header_map_value(map, nameAt, nameSize, valueAt, valueSize) {
    const texts = [this.bytes(nameAt, nameSize), this.bytes(valueAt, valueSize)];
    this.set.push(texts.map((text) => text.toString("latin1")));
    return OK;
  }

  proxy_send_local_response(status, at, size, bodyAt, bodySize, headersAt, headersSize) {
    this.answer = {
      status,
      details: this.bytes(at, size).toString(),
      body: this.bytes(bodyAt, bodySize).toString(),
      headers: new Map(deserialize(this.bytes(headersAt, headersSize))),
    };
    return OK;
  }

  proxy_continue_stream() {
    this.resumed += 1;
    return OK;
  }

  proxy_get_shared_data(at, size, dataAt, sizeAt, versionAt) {
    const entry = this.shared.get(this.bytes(at, size).toString());
    if (!entry) return NOT_FOUND;
    this.number(versionAt, entry.version);
    return this.give(entry.value, dataAt, sizeAt);
  }

  proxy_set_shared_data(at, size, valueAt, valueSize, version) {
    const key = this.bytes(at, size).toString();
    const before = this.shared.get(key)?.version ?? 0;
    if (version !== 0 && version !== before) return CAS_MISMATCH;
    this.shared.set(key, { value: this.bytes(valueAt, valueSize), version: before + 1 });
    return OK;
  }

  proxy_define_metric(type, at, size, idAt) {
    this.number(idAt, 1);
    return OK;
  }

  proxy_increment_metric() {
    return OK;
  }

  proxy_http_call(at, size, headersAt, headersSize, b, bs, t, ts, timeout, idAt) {
    const id = ++this.lastCall;
    const headers = new Map(deserialize(this.bytes(headersAt, headersSize)));
    this.calls.push({ id, path: headers.get(":path") });
    this.number(idAt, id);
    return OK;
  }

  lastCall = 0;
  requests = 0;

  // What Envoy does.

  start(now) {
    this.now = now;
    this.filter.proxy_on_context_create(ROOT, 0);
    this.filter.proxy_on_vm_start(ROOT, 0);
    if (!this.filter.proxy_on_configure(ROOT, this.configuration.length)) {
      throw new Error(this.log.join("\n"));
    }
  }

  tick() {
    this.filter.proxy_on_tick(ROOT);
  }

  /** Answers what was asked for: with a body, or not at all where there is none. */
  respond(respond) {
    for (const { id, path } of this.calls.splice(0)) {
      const body = respond(path);
      const status = body === null ? "503" : "200";
      this.reply = { headers: { ":status": status }, body: Buffer.from(body ?? "") };
      this.filter.proxy_on_http_call_response(ROOT, id, 1, this.reply.body.length, 0);
      this.reply = null;
    }
  }

  /** Whether a request goes on at once. Its strings are Latin-1. */
  request(request) {
    const { stream, goesOn } = this.open(request);
    this.close(stream);
    return goesOn;
  }

  /** Begins a request: whether its head goes on. */
  open({ method, path, headers }) {
    headers = [
      [":method", method],
      [":scheme", "https"],
      [":authority", "service.example.com"],
      [":path", path],
      ...headers,
    ].map((pair) => pair.map((text) => Buffer.from(text, "latin1")));
    this.headers = headers;
    [this.log, this.removed, this.set, this.answer, this.resumed] = [[], [], [], null, 0];
    const stream = STREAM + this.requests++;
    this.filter.proxy_on_context_create(stream, ROOT);
    const goesOn = this.filter.proxy_on_request_headers(stream, headers.length, 1) === CONTINUE;
    return { stream, goesOn };
  }

  /** Whether a part of its body goes on. */
  body(stream) {
    return this.filter.proxy_on_request_body(stream, 1, 0) === CONTINUE;
  }

  trailers(stream) {
    return this.filter.proxy_on_request_trailers(stream, 0) === CONTINUE;
  }

  close(stream) {
    this.filter.proxy_on_done?.(stream);
    this.filter.proxy_on_delete(stream);
  }
}

function serialize(pairs) {
  const size = (length) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(length);
    return bytes;
  };
  const texts = pairs.flat();
  const sizes = texts.map((text) => size(text.length));
  const ended = texts.flatMap((text) => [text, Buffer.of(0)]);
  return Buffer.concat([size(pairs.length), ...sizes, ...ended]);
}

function deserialize(bytes) {
  const count = bytes.readUInt32LE(0);
  let at = 4 + 8 * count;
  const text = (number) => {
    const from = at;
    at += bytes.readUInt32LE(4 + 4 * number) + 1;
    return bytes.subarray(from, at - 1).toString("latin1");
  };
  return Array.from({ length: count }, (_, pair) => [text(2 * pair), text(2 * pair + 1)]);
}
