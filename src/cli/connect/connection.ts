/** `bulkhead connect`: point a client that people already have at this node, and prove that it works. */

/** What every client is told, in its own words. */
export interface Connection {
  /** `http://127.0.0.1:4100`, no trailing slash. */
  readonly gateway: string;
  readonly model: string;
  /** For short background work of a coding agent. */
  readonly smallModel: string;
  /** The virtual key; where it is only shown, a word for it. */
  readonly key: string;
}

/** The protocol that a client speaks, and so what is tried. */
export type Dialect = 'anthropic-messages' | 'openai-responses' | 'openai-chat';

export interface ConnectClient {
  readonly name: string;
  readonly title: string;
  readonly dialect: Dialect;
  /** Files it keeps its settings in, and what becomes of them. Throws CliFailure for one that cannot be changed safely. */
  files(home: Home): readonly SettingsFile[];
  /** What is left to do by hand, or to put into code. */
  steps(connection: Connection): readonly string[];
}

/** Where a user's programs keep their settings. */
export interface Home {
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface SettingsFile {
  readonly path: string;
  /** The whole text after the change; `before` is undefined where there is no file yet. Throws CliFailure where it cannot be merged. */
  edit(before: string | undefined, connection: Connection): string;
}
