import type { Deps } from './deps.ts';
import type { Exchange } from './exchange.ts';
import { refuse } from './refuse.ts';
import type { Admitted, Authenticated } from './steps.ts';
import { account } from './stages/account.ts';
import { admit } from './stages/admit.ts';
import { attempt } from './stages/attempt.ts';
import { authenticate } from './stages/authenticate.ts';
import { lookUp } from './stages/cache.ts';
import { countHere } from './stages/count.ts';
import { decode } from './stages/decode.ts';
import { inspectAnswer, inspectRequest } from './stages/inspect.ts';
import { parse } from './stages/parse.ts';
import { respond } from './stages/respond.ts';
import { route } from './stages/route.ts';
import { translateBack } from './stages/translate-back.ts';

/**
 * The way of a request, on one page:
 *
 *     parse → authenticate → decode → admit → inspect → cache → route → attempt*
 *           → translate back → inspect → respond → account
 *
 * Each stage takes only what the one before gives (`steps.ts`). Whatever throws becomes a refusal in the client's own
 * protocol; whatever happens after `admit`, the reservation ends exactly once. Never rejects.
 */
export async function serveRequest(exchange: Exchange, deps: Deps): Promise<void> {
  const { metrics } = deps;
  try {
    const received = parse(exchange);
    const authenticating = authenticate(received, deps);
    // Without a turn in between, the body is read off the very packet that brought the head.
    const authenticated = authenticating instanceof Promise ? await authenticating : authenticating;
    metrics.overhead('authenticate', exchange.lapMs());
    await serveAuthenticated(authenticated, deps);
  } catch (error) {
    refuse(exchange, error, deps);
  }
}

/** The rest of the way, once the caller is known. */
export async function serveAuthenticated(authenticated: Authenticated, deps: Deps): Promise<void> {
  const { exchange } = authenticated;
  const decoded = await decode(authenticated, deps);
  deps.metrics.overhead('decode', exchange.lapMs());
  const admitted = await admit(decoded, deps);
  deps.metrics.overhead('admit', exchange.lapMs());
  await forward(admitted, exchange, deps);
}

/** Everything behind the reservation. */
async function forward(admitted: Admitted, exchange: Exchange, deps: Deps): Promise<void> {
  const { metrics } = deps;
  try {
    const inspected = await inspectRequest(admitted, deps);
    const found = await lookUp(inspected, deps);
    if (found.kind === 'hit') return await respond(await inspectAnswer(found.hit, deps), deps);
    const counted = countHere(found.missed);
    if (counted !== undefined) return await respond(await inspectAnswer(counted, deps), deps);
    const routed = route(found.missed);
    const upstream = await attempt(routed, deps);
    metrics.overhead('attempt', exchange.lapMs());
    const translated = await translateBack(upstream, deps);
    const cleared = await inspectAnswer(translated, deps);
    metrics.overhead('answer', exchange.lapMs());
    metrics.overhead('total', exchange.overheadMs);
    await respond(cleared, deps);
  } catch (error) {
    refuse(exchange, error, deps);
  } finally {
    account(admitted, deps);
  }
}
