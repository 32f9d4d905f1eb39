import { checkJsonType } from '../../http/head.ts';
import type { Exchange } from '../exchange.ts';
import { pass, type Received } from '../steps.ts';

/**
 * The head was bounded and checked at the border; here it must announce a body that can be decoded. The body stays on
 * the wire until the key is known, so that strangers hold none of our memory.
 */
export function parse(exchange: Exchange): Received {
  const { endpoint, head } = exchange;
  const isForm = endpoint.body === 'form' && head.contentType === 'multipart/form-data';
  if (endpoint.body !== 'any' && !isForm) checkJsonType(head);
  return pass<Received>({ exchange });
}
