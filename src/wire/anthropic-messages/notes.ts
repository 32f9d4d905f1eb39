import type { AudioPart, FilePart, ImagePart } from '../../canonical/part.ts';

/**
 * What an answer says in the place of an image, sound or a file: this protocol's answers have no block for them, and its clients refuse kinds of blocks that they do not know.
 * An address is given as a link. Data is not: it would come back with every turn as text and cost more than the answer.
 */
export function noteOf(part: AudioPart | ImagePart | FilePart): string {
  if (part.type === 'audio') return `[audio omitted: ${part.format}]`;
  const { type, source } = part;
  switch (source.kind) {
    case 'url':
      return type === 'image' ? `![image](${source.url})` : `[${part.name ?? 'file'}](${source.url})`;
    case 'text':
      return source.text;
    case 'file':
      return `[${type} omitted: ${source.id}]`;
    case 'data':
      return `[${type} omitted: ${source.mediaType}, ${Buffer.byteLength(source.data, 'base64')} bytes]`;
  }
}

const NOTE = /^\[(image|audio|file) omitted: [^\]\n]{1,200}\]$/;

/** A note of ours that a client sends back as the model's own words, which it never said. */
export const isNote = (text: string): boolean => text.startsWith('[') && NOTE.test(text);
