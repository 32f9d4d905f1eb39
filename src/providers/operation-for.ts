import type { WireProtocolId } from '../wire/protocol.ts';
import type { ProviderOperation } from './provider-kind.ts';

/**
 * How a provider is asked for one operation: in the client's own protocol where it speaks that for this model, since then nothing is lost, else in the
 * first that the client's can be translated to. Undefined: not at all.
 */
export function operationFor(
  operations: readonly ProviderOperation[],
  asked: { readonly protocol: WireProtocolId; readonly model: string },
  canTranslate: (client: WireProtocolId, provider: WireProtocolId) => boolean,
): ProviderOperation | undefined {
  const isNamed = (parts: readonly string[]): boolean => parts.some((part) => asked.model.includes(part));
  const able = operations.filter(
    ({ models, except }) => (models === undefined || isNamed(models)) && (except === undefined || !isNamed(except)),
  );
  return able.find(({ protocol }) => protocol === asked.protocol) ?? able.find(({ protocol }) => canTranslate(asked.protocol, protocol));
}
