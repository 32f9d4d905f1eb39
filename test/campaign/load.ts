import http from 'node:http';
import type { Answerer } from '../replay/upstream.ts';

/** Steady load for the kill campaign: a provider that takes its time, and clients that never stop asking. */

export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const CHUNKS = 12;

/** Answers a chat request after a while, whole or as a stream, always with usage. */
export const slowProvider: Answerer = async (request, response) => {
  const { stream } = JSON.parse(request.body.toString('utf8')) as { stream?: boolean };
  const usage = { prompt_tokens: 11, completion_tokens: CHUNKS, total_tokens: 11 + CHUNKS };
  const common = { id: `chatcmpl-${request.requestId}`, created: 1_700_000_000, model: 'slow' };
  if (stream !== true) {
    await wait(150);
    response.writeHead(200, { 'content-type': 'application/json' });
    return void response.end(
      JSON.stringify({
        ...common,
        object: 'chat.completion',
        choices: [{ index: 0, message: { role: 'assistant', content: 'done' }, finish_reason: 'stop' }],
        usage,
      }),
    );
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const event = (body: object): boolean =>
    response.write(`data: ${JSON.stringify({ ...common, object: 'chat.completion.chunk', ...body })}\n\n`);
  for (let i = 0; i < CHUNKS && !response.destroyed; i++) {
    event({ choices: [{ index: 0, delta: { content: `${i} ` }, finish_reason: null }] });
    await wait(15);
  }
  event({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
  event({ choices: [], usage });
  response.end('data: [DONE]\n\n');
};

export interface Load {
  readonly inFlight: () => number;
  readonly answered: () => number;
  /** Answers of a limit (429). */
  readonly refused: () => number;
  /** Answers of a budget (402). */
  readonly unpaid: () => number;
  readonly failed: () => number;
  stop(): Promise<void>;
}

const REFUSED = 429;
const UNPAID = 402;

/** Each so many-th question is only about its tokens, which the node answers by itself: its reservation is released. */
const COUNT_EVERY = 8;

/** `width` clients in closed loops against `urlOf()`, every second one streaming. Failures are counted, never fatal. */
export function startLoad(urlOf: () => string, key: string, model: string, width: number): Load {
  let [inFlight, answered, refused, unpaid, failed, going] = [0, 0, 0, 0, 0, true];
  const agent = new http.Agent({ keepAlive: true, maxSockets: width });
  /** The status of a whole answer; 0: there was none. */
  const once = (kind: 'stream' | 'whole' | 'count'): Promise<number> =>
    new Promise((resolve) => {
      const messages = [{ role: 'user', content: 'go on' }];
      const asked = kind === 'count' ? { model, messages } : { model, stream: kind === 'stream', max_tokens: CHUNKS, messages };
      const body = JSON.stringify(asked);
      const request = http.request(
        `${urlOf()}/v1/${kind === 'count' ? 'messages/count_tokens' : 'chat/completions'}`,
        {
          method: 'POST',
          agent,
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
        },
        (response) => {
          response.resume();
          response.on('end', () => resolve(response.statusCode ?? 0));
          response.on('error', () => resolve(0));
          response.on('close', () => resolve(0));
        },
      );
      request.on('error', () => resolve(0));
      request.end(body);
    });
  const client = async (index: number): Promise<void> => {
    const usual = index % 2 === 0 ? 'stream' : 'whole';
    for (let turn = index; going; turn++) {
      inFlight++;
      const status = await once(turn % COUNT_EVERY === 0 ? 'count' : usual);
      inFlight--;
      if (status === 200) {
        answered++;
        continue;
      }
      if (status === REFUSED) refused++;
      else if (status === UNPAID) unpaid++;
      else failed++;
      await wait(20);
    }
  };
  const clients = Promise.all(Array.from({ length: width }, (_, index) => client(index)));
  return {
    inFlight: () => inFlight,
    answered: () => answered,
    refused: () => refused,
    unpaid: () => unpaid,
    failed: () => failed,
    stop: async () => {
      going = false;
      await clients;
      agent.destroy();
    },
  };
}
