import http from 'node:http';
import { wait } from './load.ts';

/** Load at a steady rate, whatever the answers: each request belongs to a lane, whose answers are kept one by one. */

export interface Lane {
  readonly name: string;
  readonly key: string;
  readonly model: string;
  /** Its share of the requests, against that of the others. */
  readonly weight: number;
}

export interface Answer {
  readonly lane: string;
  /** 0: there was none. */
  readonly status: number;
  /** Of the error in the body; '' without one. */
  readonly code: string;
  /** The answer came to its own end; a stream with its last event. */
  readonly whole: boolean;
  /** Unix milliseconds of the question, and how long the answer took. */
  readonly at: number;
  readonly ms: number;
}

export interface Traffic {
  readonly answers: readonly Answer[];
  /** Sends no more; resolves when all answers are there. */
  stop(): Promise<void>;
}

/** `rate` requests a second, every second one a stream. Which lane is next is drawn from `random`. */
export function startTraffic(url: string, lanes: readonly Lane[], rate: number, random: () => number): Traffic {
  const answers: Answer[] = [];
  const under = new Set<Promise<void>>();
  const weights = lanes.reduce((sum, { weight }) => sum + weight, 0);
  let sent = 0;
  let going = true;
  const draw = (): Lane => {
    let left = random() * weights;
    return lanes.find(({ weight }) => (left -= weight) < 0) ?? (lanes[0] as Lane);
  };
  const begun = performance.now();
  const sending = (async () => {
    for (; going; await wait(Math.max(1, begun + (sent * 1000) / rate - performance.now()))) {
      const one = ask(url, draw(), sent++ % 2 === 0).then((answer) => {
        answers.push(answer);
        under.delete(one);
      });
      under.add(one);
    }
  })();
  return {
    answers,
    stop: async () => {
      going = false;
      await sending;
      await Promise.all(under);
    },
  };
}

/** Over a connection of its own, so that any worker may get it. Never rejects. */
export function ask(url: string, { name: lane, key, model }: Omit<Lane, 'weight'>, stream: boolean): Promise<Answer> {
  const at = Date.now();
  const began = performance.now();
  return new Promise((resolve) => {
    const body = JSON.stringify({ model, stream, max_tokens: 12, messages: [{ role: 'user', content: 'go on' }] });
    const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const end = (status: number, text: string, whole: boolean): void =>
      resolve({ lane, status, code: codeIn(status, text), whole, at, ms: performance.now() - began });
    const request = http.request(`${url}/v1/chat/completions`, { method: 'POST', agent: false, headers }, (response) => {
      let text = '';
      const status = response.statusCode ?? 0;
      response.on('data', (chunk: Buffer) => (text = (text + chunk.toString('latin1')).slice(-2000)));
      response.on('end', () => end(status, text, status !== 200 || !stream || text.endsWith('data: [DONE]\n\n')));
      for (const event of ['error', 'aborted']) response.on(event, () => end(status, text, false));
    });
    request.on('error', () => end(0, '', false));
    request.end(body);
  });
}

const codeIn = (status: number, text: string): string => (status === 200 ? '' : (/"code":"([a-z_]+)"/.exec(text)?.[1] ?? ''));
