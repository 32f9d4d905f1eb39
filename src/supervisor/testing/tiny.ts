import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import type { JsonObject } from '../../core/json.ts';
import type { Role } from '../../core/process.ts';
import { startChild, type Child } from '../../ipc/child.ts';
import { Link } from '../../ipc/link.ts';
import { isConnectionLost } from '../../ipc/peer.ts';
import { serveFrames, type FrameServer } from '../../ipc/serve.ts';
import type { SupervisorCall } from '../../ipc/supervision.ts';

/** The smallest process of a role: answers on every socket it was given and reaches every socket it may. */
export function tinyRole(role: Role): void {
  startChild(role, (child) => {
    const rootKey =
      child.boot.rootKey !== null && child.boot.rootKey.kind !== 'file' ? fs.readFileSync(child.boot.rootKey.fd, 'utf8') : null;
    const links = new Map(Object.entries(child.boot.connect).map(([name, path]) => [name, linkTo(child, path)]));
    const frames = Object.entries(child.boot.listen)
      .filter(([name]) => name !== 'http')
      .map(([, fd]) =>
        serveFrames(fd, child.hello(), () => ({ onCall: (call) => call.reply({ role, generation: child.boot.generation, rootKey }) })),
      );
    const server = child.boot.listen['http'] === undefined ? undefined : serveHttp(child.boot.listen['http']);
    const files = new Map<string, string>();
    child.onFile('config', (bytes) => files.set('config', bytes.toString()));
    server?.on('request', (request, response) => {
      void answer(child, links, files, request.url ?? '/').then(
        (body) => response.end(JSON.stringify(body)),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    });
    child.onDrain(() => drain(server, frames, links));
    console.log(JSON.stringify({ level: 'info', role, event: 'started', generation: child.boot.generation }));
    child.ready();
  });
}

const linkTo = (child: Child, path: string): Link =>
  new Link({ path, hello: child.hello(), unavailable: 'vault_unavailable', waitMs: 10_000 });

function serveHttp(fd: number): http.Server {
  const server = http.createServer();
  server.listen({ fd });
  return server;
}

async function answer(
  child: Child,
  links: ReadonlyMap<string, Link>,
  files: ReadonlyMap<string, string>,
  url: string,
): Promise<JsonObject> {
  const [, act, argument] = url.split('/');
  if (act === 'crash')
    setImmediate(() => {
      throw new Error('crashed on purpose');
    });
  if (act === 'slow') await new Promise((resolve) => setTimeout(resolve, Number(argument)));
  if (act === 'sleep') return new Promise((resolve) => setTimeout(() => resolve({ pid: process.pid }), Number(argument)));
  if (act === 'file') return { text: files.get(argument ?? '') ?? null };
  if (act === 'ask') return child.ask(JSON.parse(decodeURIComponent(argument ?? '')) as SupervisorCall);
  const heard = await Promise.all([...links].map(async ([name, link]) => [name, await hear(link)] as const));
  return {
    pid: process.pid,
    boot: child.boot as unknown as JsonObject,
    environment: Object.keys(process.env),
    heard: Object.fromEntries(heard),
  };
}

/** That a process is dead can be known before its connection is seen to end; an echo changes nothing, so that it is asked anew. */
const hear = async (link: Link): Promise<JsonObject> => {
  try {
    return (await link.unary({ op: 'echo' })).head;
  } catch (error) {
    if (!isConnectionLost(error)) throw error;
    return hear(link);
  }
};

async function drain(server: http.Server | undefined, frames: readonly FrameServer[], links: ReadonlyMap<string, Link>): Promise<void> {
  if (server !== undefined) await closeHttp(server);
  await Promise.all(frames.map((one) => one.drain()));
  for (const link of links.values()) link.stop();
}

const LINGER_MS = 250;

/** As the gateway's listener does it: on a connection that looks idle a request may be on its way, and Node's own `close` of an HTTP server would reset it. */
function closeHttp(server: http.Server): Promise<void> {
  return new Promise((resolve) => {
    net.Server.prototype.close.call(server, () => resolve());
    setTimeout(() => server.closeIdleConnections(), LINGER_MS);
  });
}
