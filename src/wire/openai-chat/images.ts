import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import type { ImagePart } from '../../canonical/part.ts';
import { dataUri, sourceOfUrl } from '../media.ts';

/*
 * Images in an answer, as OpenRouter and Vercel send them: `images` on the message or delta, `{type: 'image_url', image_url: {url}}` with a data URI.
 */

export function decodeImages(value: Json | undefined): readonly ImagePart[] {
  if (!Array.isArray(value)) return [];
  return (value as readonly Json[]).filter(isJsonObject).flatMap(({ image_url: image }) => {
    const url = isJsonObject(image) ? image['url'] : image;
    return typeof url === 'string' && url !== '' ? [{ type: 'image', source: sourceOfUrl(url) } as const] : [];
  });
}

/** Undefined: an upload, which has no address. */
export function encodeImage({ source }: ImagePart): JsonObject | undefined {
  if (source.kind !== 'url' && source.kind !== 'data') return undefined;
  const url = source.kind === 'url' ? source.url : dataUri(source.mediaType, source.data);
  return { type: 'image_url', image_url: { url } };
}
