/** Exit codes of every command; `docs/reference/cli.md` prints this table. */
export const EXIT = {
  ok: 0,
  /** The command was understood and refused or failed, or a check found a problem. */
  failed: 1,
  /** The command line is wrong, or no node answers. */
  unusable: 2,
  /** The reader at the terminal pressed Ctrl-C. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export interface FailureFacts {
  readonly code: string;
  readonly message: string;
  /** What to do next, in words. */
  readonly remedy: string;
  readonly requestId?: string;
  readonly exit?: ExitCode;
}

/** Why a command stops. Printed as it is, so it holds nothing secret. */
export class CliFailure extends Error {
  override readonly name = 'CliFailure';
  readonly facts: FailureFacts;

  constructor(facts: FailureFacts, options?: ErrorOptions) {
    super(facts.message, options);
    this.facts = facts;
  }

  get exit(): ExitCode {
    return this.facts.exit ?? EXIT.failed;
  }
}

/** A wrong command line. */
export const usageError = (message: string, remedy: string): CliFailure =>
  new CliFailure({ code: 'usage', message, remedy, exit: EXIT.unusable });

/** The code of a system error (`ENOENT`), or undefined. */
export const systemCode = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
