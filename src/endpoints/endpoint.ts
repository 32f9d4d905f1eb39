import type { Operation } from '../routing/operation.ts';
import type { FramingId } from '../wire/framing.ts';
import type { WireProtocolId } from '../wire/protocol.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** A path that clients call. `forward` ones go through the pipeline to a provider. */
export interface ForwardEndpoint {
  readonly kind: 'forward';
  /** Name in usage rows, logs and metrics. */
  readonly id: string;
  readonly method: Method;
  /** `{model}` stands for the model's name; without it the body names the model. */
  readonly path: string;
  readonly protocol: WireProtocolId;
  readonly operation: Operation;
  /** Said by the path; absent: the body's `stream` says it. */
  readonly stream?: 'always' | 'never';
  /** How a streamed answer is framed for this client. Default `sse`. */
  readonly framing?: Extract<FramingId, 'sse' | 'json-array'>;
  /** `form`: JSON or multipart/form-data with the model in a field; `any`: whatever it is, or nothing. Default `json`. */
  readonly body?: 'json' | 'form' | 'any';
}

/** A path that the gateway answers by itself. */
export interface LocalEndpoint {
  readonly kind: 'models' | 'model' | 'live' | 'ready';
  readonly id: string;
  readonly method: 'GET';
  /** A trailing slash: everything below it. */
  readonly path: string;
  readonly protocol: WireProtocolId;
}

/** What is done with a response that was stored: OpenAI's `/v1/responses/{id}` and below. */
export interface StoredEndpoint {
  readonly kind: 'stored';
  readonly id: string;
  readonly method: Method;
  /** `{id}` stands for the response's. */
  readonly path: string;
  readonly act: 'get' | 'delete' | 'cancel' | 'input-items';
  readonly protocol: WireProtocolId;
}

export type Endpoint = ForwardEndpoint | LocalEndpoint | StoredEndpoint;

/** An endpoint and what its path said. */
export interface Found<E extends Endpoint = Endpoint> {
  readonly endpoint: E;
  /** What stood for `{model}` or `{id}`, percent-decoding undone. */
  readonly name?: string;
  /** Of `/{provider}/…`. */
  readonly raw?: RawPath;
}

/** A path of a provider itself, which only its configuration's allow-list opens. */
export interface RawPath {
  readonly provider: string;
  /** Behind the provider's name, with its slash. */
  readonly path: string;
  /** Opened by the gateway itself, for this very request: no allow-list and no model is asked. */
  readonly granted?: true;
}
