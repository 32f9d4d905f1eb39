import type { Clock } from '../core/clock.ts';
import type { JsonObject } from '../core/json.ts';
import type { Boot, SupervisorCall } from '../ipc/supervision.ts';
import type { Link } from '../ipc/link.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Authority } from './acts.ts';
import type { AdmissionPublisher } from './admission-publisher.ts';
import type { AuditorLog } from './auditor-log.ts';
import type { ConfigState } from './config-state.ts';
import type { ControlStore, Database } from './database.ts';
import type { ListPrices } from './list-prices.ts';
import type { Gateways } from './gateways.ts';
import type { Issuers } from './issuers.ts';
import type { PolicyPublisher } from './policy.ts';
import type { RowSeals } from './row-seals.ts';
import type { RowWatch } from './row-watch.ts';
import type { Vaults } from './vaults.ts';

/** Everything the resources work with. */
export interface ControlDeps {
  readonly boot: Boot;
  readonly clock: Clock;
  readonly log: Logger;
  readonly db: Database;
  readonly store: ControlStore;
  readonly authority: Authority;
  readonly auditor: AuditorLog;
  readonly vaults: Vaults;
  readonly seals: RowSeals;
  readonly rows: RowWatch;
  readonly issuers: Issuers;
  readonly ledger: Link;
  readonly gateways: Gateways;
  readonly policy: PolicyPublisher;
  readonly admission: AdmissionPublisher;
  readonly config: ConfigState;
  readonly listPrices: ListPrices;
  readonly metrics: Metrics;
  readonly ask: (call: SupervisorCall) => Promise<JsonObject>;
}
