import assert from 'node:assert/strict';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { KeyRow, SignedText } from '../../access/principal.ts';
import { digestKey } from '../../access/virtual-key.ts';
import type { ReplyOf } from '../../api/operations.ts';
import type { Peer } from '../../ipc/peer.ts';
import { startTestNode, until, type TestNode } from './node.ts';
import { codeOf } from './people.ts';

/** Test code: a node with a worker that confirms everything, and short words for what the tests of tenancy do over and over. */

interface Place {
  readonly organization: string;
  readonly team: string;
}

export class Tenancy {
  readonly node: TestNode;
  readonly #worker: Peer;
  /** What the worker was told, in order. */
  readonly heard: readonly Record<string, unknown>[];
  #counter = 0;

  constructor(node: TestNode, worker: Peer, heard: readonly Record<string, unknown>[]) {
    this.node = node;
    this.#worker = worker;
    this.heard = heard;
  }

  /** The row as a gateway gets it. Undefined: it gets none. */
  async rowOf(key: string): Promise<KeyRow | undefined> {
    const { head } = await this.#worker.unary({ op: 'key.resolve', digest: digestKey(key) });
    const signed = head['row'] as unknown as SignedText | null;
    return signed === null ? undefined : (JSON.parse(signed.text) as KeyRow);
  }

  /** Writes into the database as somebody would who got at the file. */
  edit(sql: string, ...values: string[]): void {
    const db = new DatabaseSync(path.join(this.node.folder, 'control/control.db'));
    db.prepare(sql).run(...values);
    db.close();
  }

  /** A new name each time. */
  name(prefix: string): string {
    return `${prefix}${++this.#counter}`;
  }

  /** An organization with a team `search`. */
  async organization(models?: readonly string[]) {
    const name = this.name('org');
    const { id } = await this.node.call('organizations.create', { body: { name, ...(models && { models }) } });
    const team = await this.node.call('teams.create', { body: { name: 'search', organization: name } });
    return { id, name, team: team.id, place: { organization: name, team: 'search' } satisfies Place };
  }

  key(body: Readonly<Record<string, unknown>> = {}): Promise<ReplyOf<'keys.create'>> {
    return this.node.call('keys.create', { body: { name: 'k', ...body } });
  }

  /** Gives the text of the refusal. */
  async refused(method: 'POST' | 'PATCH' | 'PUT', target: string, body: unknown, code: string): Promise<string> {
    const answer = await this.node.request(method, `/admin/v1${target}`, body);
    assert.equal(codeOf(answer), code, answer.text);
    return answer.text;
  }
}

export async function startTenancy(): Promise<Tenancy> {
  const node = await startTestNode();
  await until(() => node.asked.some(({ op }) => op === 'print'));
  const heard: Record<string, unknown>[] = [];
  const worker = await node.connectWorker(0, (call) => {
    heard.push(call.head);
    call.reply({});
  });
  return new Tenancy(node, worker, heard);
}
