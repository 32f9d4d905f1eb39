/** The evidence: writes every control act and every credential use to an append-only file before anyone may rely on it. */
import path from 'node:path';
import { systemClock } from '../core/clock.ts';
import type { JsonObject } from '../core/json.ts';
import type { UsesCall } from '../ipc/messages/auditor.ts';
import type { Child } from '../ipc/child.ts';
import type { IncomingCall } from '../ipc/peer.ts';
import { serveFrames } from '../ipc/serve.ts';
import { createLogger } from '../telemetry/log.ts';
import { checkLine } from './chain.ts';
import { readEntry } from './entry.ts';
import { LogFile } from './log-file.ts';
import { openSigningKey, signRecord } from './signing-key.ts';
import { readUses, UseSequences, type Gap } from './uses.ts';

const FILE = 'control.log';
const MAX_TAIL = 1000;
/** Names a backup may have in the auditor's folder. */
const BACKUP_NAME = /^backup-[a-z0-9-]{1,64}\.log$/;

export async function serveAuditor(child: Child): Promise<void> {
  const { folder, listen } = child.boot;
  const auditor = await Auditor.open(folder, child.boot.generation).catch((error: unknown) =>
    child.failed(`the log cannot be opened: ${words(error)}`),
  );
  const servers = [
    serveFrames(descriptor(listen, 'control'), child.hello(), () => ({ onCall: (call) => auditor.answer(call, 'control') })),
    serveFrames(descriptor(listen, 'vault'), child.hello(), () => ({ onCall: (call) => auditor.answer(call, 'vault') })),
  ];
  child.onDrain(async () => {
    await Promise.all(servers.map((server) => server.drain()));
    await auditor.close();
  });
  child.ready();
}

type Sender = 'control' | 'vault';

/** The log with everything that may be asked of it. */
class Auditor {
  readonly #folder: string;
  readonly #log: LogFile;
  readonly #signing: ReturnType<typeof openSigningKey>;
  readonly #sequences = new UseSequences();
  readonly #logger = createLogger({ role: 'auditor', index: 0 });
  /** Use summaries are taken one after another, so that a later one cannot overtake and look like a gap. */
  #uses: Promise<unknown> = Promise.resolve();

  private constructor(folder: string, log: LogFile, signing: ReturnType<typeof openSigningKey>) {
    this.#folder = folder;
    this.#log = log;
    this.#signing = signing;
  }

  static async open(folder: string, generation: string): Promise<Auditor> {
    const { log, repair } = await LogFile.open(path.join(folder, FILE));
    const auditor = new Auditor(folder, log, openSigningKey(folder));
    for (const line of await log.tail(Number.MAX_SAFE_INTEGER)) auditor.#sequences.recall(checkLine(line)?.body ?? {});
    const at = systemClock.now();
    if (repair !== undefined) await log.append({ kind: 'repair', at, ...repair });
    await log.append({ kind: 'start', at, generation, logKey: auditor.#signing.publicKey });
    return auditor;
  }

  close(): Promise<void> {
    return this.#log.close();
  }

  /** What each sender may ask: control acts come from control, uses from the vault. */
  answer(call: IncomingCall, sender: Sender): void {
    this.#answer(call.head, sender).then(
      (reply) => call.reply(reply),
      (error: unknown) => {
        this.#logger.error('audit.failed', { op: String(call.head['op']), peer: sender, reason: words(error) });
        call.error('audit_unavailable');
      },
    );
  }

  #answer(head: JsonObject, sender: Sender): Promise<JsonObject> {
    switch (`${sender}/${String(head['op'])}`) {
      case 'control/append':
        return this.#append(head['entry']);
      case 'control/tail':
        return this.#tail(head['limit']);
      case 'control/backup':
        return this.#backup(String(head['fileName']));
      case 'vault/uses':
        return this.#inOrder(() => this.#takeUses(head));
      default:
        return Promise.reject(new Error(`${sender} may not ask this`));
    }
  }

  async #append(value: unknown): Promise<JsonObject> {
    const entry = readEntry(value);
    if (entry === undefined) throw new Error('not an entry');
    const { sequence, hash } = await this.#log.append({ kind: 'act', ...entry, actor: { ...entry.actor } });
    return { sequence, hash };
  }

  async #tail(limit: unknown): Promise<JsonObject> {
    const count = typeof limit === 'number' && limit > 0 ? Math.min(Math.floor(limit), MAX_TAIL) : MAX_TAIL;
    return { lines: await this.#log.tail(count) };
  }

  async #backup(fileName: string): Promise<JsonObject> {
    if (!BACKUP_NAME.test(fileName)) throw new Error('not a name of a backup');
    return { bytes: await this.#log.copyTo(path.join(this.#folder, fileName)) };
  }

  async #takeUses(head: JsonObject): Promise<JsonObject> {
    const call = readUses(head);
    if (call === undefined) throw new Error('not a use summary');
    const found = this.#sequences.see(call);
    if (found === 'repeated') return {};
    const gap = found === undefined ? undefined : this.#log.append(this.#gapRecord(found));
    await Promise.all([gap, this.#log.append(usesRecord(call))]);
    this.#sequences.taken(call);
    return {};
  }

  #gapRecord(gap: Gap): JsonObject {
    const text = JSON.stringify(gap);
    return { kind: 'gap', at: systemClock.now(), gap: text, signature: signRecord(this.#signing.privateKey, 'gap', text) };
  }

  #inOrder<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#uses.then(task);
    // The next summary does not depend on how this one went; its own sender hears of it.
    this.#uses = result.catch(() => undefined);
    return result;
  }
}

const usesRecord = ({ shard, generation, sequence, from, to, uses }: UsesCall): JsonObject => ({
  kind: 'uses',
  at: systemClock.now(),
  shard,
  generation,
  sequence,
  from,
  to,
  uses: uses.map(({ credential, organization, count, refused, echoes }) => ({ credential, organization, count, refused, echoes })),
});

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function descriptor(listen: Readonly<Record<string, number>>, name: string): number {
  const fd = listen[name];
  if (fd === undefined) throw new Error(`no listening descriptor ${name}`);
  return fd;
}
