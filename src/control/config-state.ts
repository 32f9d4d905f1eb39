import { hash } from 'node:crypto';
import type { BulkheadConfig, ConfigProblem } from '../config/config.ts';
import { defaultConfig, loadConfig } from '../config/load.ts';
import type { Clock } from '../core/clock.ts';
import type { Logger } from '../telemetry/log.ts';
import { CONFIG, type Authority, type PermitFor } from './acts.ts';
import { readMeta, writeMeta, type Database } from './database.ts';
import { ALL_SERVED, concerns, type Unserved } from './served.ts';

/** The text that is kept for a node without a file. */
const DEFAULT_TEXT = 'version: 1\n';
const LAST_TEXT = 'config.text';
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5000;

export interface ConfigDeps {
  readonly db: Database;
  readonly authority: Authority;
  readonly clock: Clock;
  readonly log: Logger;
  /** Carries a valid configuration out: credentials first, then the policy. Rejects while the vault cannot be asked. */
  readonly carryOut: (config: BulkheadConfig, permit: PermitFor<'config.apply'>) => Promise<Unserved>;
}

/**
 * The configuration in effect and the newest file's problems. A file is applied whole or not at all; one that is not
 * valid changes nothing. Applying is tried again until it succeeds or a newer file comes.
 */
export class ConfigState {
  readonly #deps: ConfigDeps;
  #current: BulkheadConfig | undefined;
  #appliedAt: number | undefined;
  #unserved: Unserved = ALL_SERVED;
  #problems: readonly ConfigProblem[] = [];
  #newest = 0;
  #stopped = false;
  readonly #applied = Promise.withResolvers<void>();

  constructor(deps: ConfigDeps) {
    this.#deps = deps;
  }

  /** What gateways serve by; undefined until the first was carried out. */
  get current(): BulkheadConfig | undefined {
    return this.#current;
  }

  get appliedAt(): number | undefined {
    return this.#appliedAt;
  }

  get unserved(): Unserved {
    return this.#unserved;
  }

  get problems(): readonly ConfigProblem[] {
    return this.#problems;
  }

  /** Resolves when the first configuration is in effect. */
  get firstApplied(): Promise<void> {
    return this.#applied.promise;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** A node without a file. */
  async useDefaults(): Promise<void> {
    await this.#apply(defaultConfig(), DEFAULT_TEXT, 'defaults');
  }

  async useText(text: string, file: string): Promise<void> {
    const loaded = loadConfig(text, file);
    this.#problems = loaded.ok ? [] : loaded.error;
    for (const { line, reason } of this.#problems) this.#deps.log.error('config.invalid', { file, line, reason });
    if (loaded.ok) return this.#apply(loaded.value, text, file);
    // At a start with an invalid file, what was valid last goes on.
    if (this.#current === undefined) await this.#useLast(file);
  }

  /** Carries the configuration out again where a credential that came or went changes which providers are served. */
  async refresh(credential: string): Promise<void> {
    const config = this.#current;
    if (config === undefined || !concerns(credential, config, this.#unserved)) return;
    const permit = await this.#deps.authority.permit(CONFIG, 'config.apply', `config/${config.file ?? 'defaults'}`, {
      reason: 'a credential changed',
    });
    this.#unserved = await this.#deps.carryOut(config, permit);
  }

  async #useLast(file: string): Promise<void> {
    const text = await readMeta(this.#deps.db, LAST_TEXT);
    const loaded = text === undefined ? undefined : loadConfig(text, file);
    if (loaded?.ok === true) return this.#apply(loaded.value, text ?? '', file);
    return this.#apply(defaultConfig(), DEFAULT_TEXT, 'defaults');
  }

  async #apply(config: BulkheadConfig, text: string, file: string): Promise<void> {
    const turn = ++this.#newest;
    for (let waitMs = FIRST_RETRY_MS; turn === this.#newest && !this.#stopped; waitMs = Math.min(waitMs * 2, LAST_RETRY_MS)) {
      try {
        return await this.#applyOnce(config, text, file);
      } catch (error) {
        this.#deps.log.warn('config.waiting', { file, reason: error instanceof Error ? error.message : String(error) });
        await new Promise((resolve) => setTimeout(resolve, waitMs).unref());
      }
    }
  }

  async #applyOnce(config: BulkheadConfig, text: string, file: string): Promise<void> {
    const { db, authority, clock, log, carryOut } = this.#deps;
    const facts = { sha256: hash('sha256', text, 'hex'), providers: config.providers.length, models: config.models.length };
    const permit = await authority.permit(CONFIG, 'config.apply', `config/${file}`, facts);
    this.#unserved = await carryOut(config, permit);
    await writeMeta(db, LAST_TEXT, text);
    this.#current = config;
    this.#appliedAt = clock.now();
    this.#applied.resolve();
    log.info('config.applied', { file });
  }
}
