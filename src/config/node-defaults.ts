import type { NodeConfig } from './config.ts';

/** What a node starts with where nothing is said. The schema takes its defaults from here; a start without a file needs nothing else, so it loads no schema. */
export const NODE_DEFAULTS: NodeConfig = Object.freeze({
  listen: Object.freeze({ host: '127.0.0.1', port: 4100 }),
  control: Object.freeze({ host: '127.0.0.1', port: 4101 }),
  workers: 1,
  tls: null,
  pricesFile: null,
  isolation: 'auto',
  sandbox: true,
  shards: 1,
  rootKey: Object.freeze({ kind: 'file' }),
  drainMs: 30_000,
  ledger: Object.freeze({ rowsDays: 400, hoursDays: 400 }),
});
