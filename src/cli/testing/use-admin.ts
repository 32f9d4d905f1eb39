import assert from 'node:assert/strict';
import { after, before, beforeEach } from 'node:test';
import { startAdminServer, type AdminServer } from './admin-server.ts';
import { run, temporaryData, type Ran, type RunOptions } from './cli.ts';

/** An admin API and a data folder for one test file, and the command aimed at them. */
export function useAdmin() {
  let server: AdminServer | undefined;
  let folder: ReturnType<typeof temporaryData> | undefined;
  before(async () => {
    server = await startAdminServer();
    folder = temporaryData(server.port);
  });
  after(async () => {
    await server?.close();
    folder?.remove();
  });
  beforeEach(() => {
    if (server === undefined) return;
    server.answers = {};
    server.seen.length = 0;
  });
  const admin = (): AdminServer => {
    assert.ok(server, 'asked before the tests began');
    return server;
  };
  const data = (): string => folder?.data ?? '';
  return {
    admin,
    data,
    cli: (args: readonly string[], options: RunOptions = {}): Promise<Ran> => run([...args, '--data', data()], options),
    names: (): readonly string[] => admin().seen.map(({ name }) => name),
  };
}
