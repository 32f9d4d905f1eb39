import net from 'node:net';
import tls from 'node:tls';
import fs from 'node:fs';

/**
 * An instant provider: answers from prepared buffers, so that what is measured is the gateway. It counts what it saw.
 * argv: JSON {port, tls?: {cert, key}}. Speaks to its parent over IPC: `count` → {count}.
 *
 * The answer depends on the model in the request: `stream-N` sends N events in one write each, everything else a 2 KB answer.
 */
const options = JSON.parse(process.argv[2] ?? '{}') as { port: number; tls?: { cert: string; key: string } };

const text = 'The quick brown fox jumps over the lazy dog. '.repeat(36);
const answer = JSON.stringify({
  id: 'chatcmpl-bench',
  object: 'chat.completion',
  created: 1767225600,
  model: 'bench',
  choices: [{ index: 0, message: { role: 'assistant', content: text, refusal: null }, logprobs: null, finish_reason: 'stop' }],
  usage: { prompt_tokens: 400, completion_tokens: 360, total_tokens: 760, prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 } },
  service_tier: 'default',
});
const WHOLE = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(answer)}\r\n\r\n${answer}`,
);
const STREAM_HEAD = Buffer.from('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n');

const chunk = (body: string): Buffer => Buffer.from(`${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n`);
const delta = (content: string | null, usage: unknown = null): string =>
  `data: ${JSON.stringify({ id: 'chatcmpl-bench', object: 'chat.completion.chunk', created: 1767225600, model: 'bench', choices: content === null ? [] : [{ index: 0, delta: { content }, finish_reason: null }], usage })}\n\n`;
const EVENT = chunk(delta(' token'));
const TAIL = Buffer.concat([
  chunk(delta(null, { prompt_tokens: 400, completion_tokens: 200, total_tokens: 600 })),
  chunk('data: [DONE]\n\n'),
  Buffer.from('0\r\n\r\n'),
]);

let count = 0;

/** Events leave one by one, a turn of the event loop apart, as a provider's do. */
function stream(socket: net.Socket, events: number): void {
  socket.write(STREAM_HEAD);
  let left = events;
  const step = (): void => {
    if (socket.destroyed) return;
    if (left-- > 0) {
      socket.write(EVENT);
      setImmediate(step);
    } else socket.write(TAIL);
  };
  step();
}

function onConnection(socket: net.Socket): void {
  socket.setNoDelay(true);
  socket.on('error', () => undefined);
  let held: Buffer[] = [];
  let bytes = 0;
  let needed = 0;
  socket.on('data', (piece: Buffer) => {
    held.push(piece);
    bytes += piece.length;
    if (needed > 0 && bytes < needed) return;
    const all = held.length === 1 ? piece : Buffer.concat(held, bytes);
    const end = all.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = all.toString('latin1', 0, end);
    needed = end + 4 + Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (bytes < needed) return;
    const events = /"model": ?"stream-(\d+)"/.exec(all.toString('latin1', end + 4, Math.min(end + 300, needed)))?.[1];
    held = [];
    bytes = 0;
    needed = 0;
    count++;
    if (events === undefined) socket.write(WHOLE);
    else stream(socket, Number(events));
  });
}

const server =
  options.tls === undefined
    ? net.createServer(onConnection)
    : tls.createServer({ cert: fs.readFileSync(options.tls.cert), key: fs.readFileSync(options.tls.key) }, onConnection);
server.listen(options.port, '127.0.0.1', () => process.send?.({ ready: true }));
process.on('message', () => process.send?.({ count }));
process.on('disconnect', () => process.exit(0));
