import type { ResponseWriter } from '../http/response-writer.ts';

type HeaderList = readonly (readonly [string, string])[];

/** An answer in the client's protocol: in hand, or still coming. */
export type Answer = WholeAnswer | StreamedAnswer;

export interface WholeAnswer {
  readonly kind: 'whole';
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: Buffer;
}

export interface StreamedAnswer {
  readonly kind: 'streamed';
  readonly status: number;
  readonly headers: HeaderList;
  /**
   * Writes the body as it comes and ends or aborts the writer. Resolves when nothing more will be written; the record of
   * the attempt then says how it ended. Never rejects for what the provider or the client does.
   */
  readonly relay: (writer: ResponseWriter) => Promise<void>;
  /** The writer has room again. */
  readonly resume: () => void;
}
