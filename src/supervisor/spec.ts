import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import { LAYOUTS, ROLES, type IsolationChoice, type Role, type RootKeySource } from '../core/process.ts';
import type { NodeSpec } from '../config/node-spec.ts';

/** A node specification that says something else than `NodeSpec`. The message names the field. */
export class SpecError extends Error {
  override readonly name = 'SpecError';
}

/** Reads and checks node.json. Unknown fields are refused: they are typing errors or a newer format. */
export function readNodeSpec(file: string): NodeSpec {
  const value: unknown = JSON.parse(fs.readFileSync(file, 'utf8'));
  return parseNodeSpec(value as Json);
}

export function parseNodeSpec(value: Json): NodeSpec {
  const spec = fields(value, 'node', KNOWN);
  if (spec['version'] !== 1) throw new SpecError(`version ${JSON.stringify(spec['version'])} is not 1`);
  const gateway = fields(spec['gateway'], 'gateway', ['workers', 'host', 'port', 'tls']);
  const control = fields(spec['control'], 'control', ['host', 'port']);
  const vault = fields(spec['vault'], 'vault', ['shards', 'rootKey']);
  return {
    version: 1,
    dataDir: folder(spec['dataDir'], 'dataDir'),
    codeDir: folder(spec['codeDir'], 'codeDir'),
    configFile: spec['configFile'] === null ? null : folder(spec['configFile'], 'configFile'),
    ...(spec['pricesFile'] === undefined ? {} : { pricesFile: folder(spec['pricesFile'], 'pricesFile') }),
    gateway: { workers: whole(gateway['workers'], 'gateway.workers', 1, 256), ...address(gateway, 'gateway'), tls: tls(gateway['tls']) },
    control: address(control, 'control'),
    vault: { shards: whole(vault['shards'], 'vault.shards', 1, 64), rootKey: rootKey(vault['rootKey']) },
    sandbox: flag(spec['sandbox'], 'sandbox'),
    isolation: isolation(spec['isolation']),
    drainMs: whole(spec['drainMs'], 'drainMs', 0, 3_600_000),
    ...(spec['ledger'] === undefined ? {} : { ledger: ledger(spec['ledger']) }),
    ...(spec['entries'] === undefined ? {} : { entries: entries(spec['entries']) }),
    adminDigest: text(spec['adminDigest'], 'adminDigest'),
    firstStart: flag(spec['firstStart'], 'firstStart'),
    environmentKeys: list(spec['environmentKeys'], 'environmentKeys').map((item) => text(item, 'environmentKeys')),
  };
}

const KNOWN = [
  'version',
  'dataDir',
  'codeDir',
  'configFile',
  'pricesFile',
  'gateway',
  'control',
  'vault',
  'sandbox',
  'isolation',
  'drainMs',
  'ledger',
  'entries',
  'adminDigest',
  'firstStart',
  'environmentKeys',
] as const;

function fields(value: Json | undefined, name: string, known: readonly string[]): JsonObject {
  if (!isJsonObject(value)) throw new SpecError(`${name} is not an object`);
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new SpecError(`${name} has the unknown field ${unknown}`);
  return value;
}

function ledger(value: Json | undefined): NonNullable<NodeSpec['ledger']> {
  const from = fields(value, 'ledger', ['rowsDays', 'hoursDays']);
  return {
    rowsDays: whole(from['rowsDays'], 'ledger.rowsDays', 31, 36_500),
    hoursDays: whole(from['hoursDays'], 'ledger.hoursDays', 31, 36_500),
  };
}

function text(value: Json | undefined, name: string): string {
  if (typeof value !== 'string') throw new SpecError(`${name} is not a text`);
  return value;
}

function folder(value: Json | undefined, name: string): string {
  const at = text(value, name);
  if (!path.isAbsolute(at)) throw new SpecError(`${name} is not an absolute path`);
  return path.normalize(at);
}

function whole(value: Json | undefined, name: string, least: number, most: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
    throw new SpecError(`${name} is not a whole number from ${least} to ${most}`);
  }
  return value;
}

function flag(value: Json | undefined, name: string): boolean {
  if (typeof value !== 'boolean') throw new SpecError(`${name} is neither true nor false`);
  return value;
}

function list(value: Json | undefined, name: string): readonly Json[] {
  if (!Array.isArray(value)) throw new SpecError(`${name} is not a list`);
  return value as readonly Json[];
}

function address(value: JsonObject, name: string): { readonly host: string; readonly port: number } {
  const host = text(value['host'], `${name}.host`) === 'localhost' ? '127.0.0.1' : text(value['host'], `${name}.host`);
  if (net.isIP(host) === 0) throw new SpecError(`${name}.host is not an IP address or localhost`);
  return { host, port: whole(value['port'], `${name}.port`, 0, 65_535) };
}

function tls(value: Json | undefined): NodeSpec['gateway']['tls'] {
  if (value === null) return null;
  const files = fields(value, 'gateway.tls', ['cert', 'key']);
  return { cert: folder(files['cert'], 'gateway.tls.cert'), key: folder(files['key'], 'gateway.tls.key') };
}

function rootKey(value: Json | undefined): RootKeySource {
  const source = fields(value, 'vault.rootKey', ['kind', 'fd']);
  const { kind } = source;
  if (kind === 'file') return { kind };
  if (kind === 'fd' || kind === 'passphrase') return { kind, fd: whole(source['fd'], 'vault.rootKey.fd', 3, 1_048_575) };
  throw new SpecError('vault.rootKey.kind is none of file, fd, passphrase');
}

function isolation(value: Json | undefined): IsolationChoice {
  const choice = ['auto', ...LAYOUTS].find((name) => name === value);
  if (choice === undefined) throw new SpecError(`isolation is none of auto, ${LAYOUTS.join(', ')}`);
  return choice as IsolationChoice;
}

function entries(value: Json): Partial<Record<Role, string>> {
  const given = fields(value, 'entries', ROLES);
  return Object.fromEntries(Object.entries(given).map(([role, entry]) => [role, text(entry, `entries.${role}`)]));
}
