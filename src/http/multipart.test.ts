import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formBoundary, formFields } from './multipart.ts';

const TYPE = 'multipart/form-data; boundary=xyz';
const form = (...parts: readonly string[]): Buffer => Buffer.from(`${parts.map((part) => `--xyz\r\n${part}\r\n`).join('')}--xyz--\r\n`);
const field = (name: string, value: string): string => `Content-Disposition: form-data; name="${name}"\r\n\r\n${value}`;
const read = (body: Buffer): Record<string, string> =>
  Object.fromEntries(formFields(body, formBoundary(TYPE)).map(({ name, start, end }) => [name, body.toString('utf8', start, end)]));

describe('multipart forms', () => {
  it('shows where the fields stand and passes over files', () => {
    const file = 'content-disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n\x00\x01--xyz\r\r\n\r\n';
    assert.deepEqual(read(form(file, field('model', 'whisper-1'), field('prompt', ''))), { model: 'whisper-1', prompt: '' });
  });

  it('reads the form that a browser’s FormData makes', async () => {
    const data = new FormData();
    data.append('file', new Blob(['sound']), 'a.wav');
    data.append('model', 'gpt-4o-transcribe');
    const response = new Response(data);
    const boundary = formBoundary(response.headers.get('content-type') ?? '');
    const body = Buffer.from(await response.arrayBuffer());
    assert.deepEqual(
      formFields(body, boundary).map(({ name, start, end }) => [name, body.toString('utf8', start, end)]),
      [['model', 'gpt-4o-transcribe']],
    );
  });

  it('refuses what two readers could split differently', () => {
    const whole = form(field('model', 'm'));
    const refused: readonly Buffer[] = [
      Buffer.alloc(0),
      whole.subarray(0, -6),
      Buffer.concat([Buffer.from('preamble\r\n'), whole]),
      form('Content-Disposition: form-data\r\n\r\nx'),
      form('X: y\r\n\r\nx'),
      form('Content-Disposition: form-data; name="a"\r\nContent-Disposition: form-data; name="b"\r\n\r\nx'),
      Buffer.from(whole.toString().replace('--xyz\r\n', '--xyz \r\n')),
      form(...Array.from({ length: 300 }, (_, index) => field(`f${index}`, ''))),
    ];
    for (const body of refused) assert.throws(() => formFields(body, 'xyz'), { code: 'invalid_request' }, body.toString().slice(0, 40));
    for (const type of [
      'multipart/form-data',
      'multipart/form-data; boundary=',
      'multipart/form-data; boundary="a b "',
      `x; boundary=${'a'.repeat(71)}`,
    ])
      assert.throws(() => formBoundary(type), { code: 'invalid_request' }, type);
  });

  it('never hangs or reads outside, whatever the bytes (property)', () => {
    const piece = fc.constantFrom('--xyz', '\r\n', '--', 'Content-Disposition: form-data; name="a"', ': ', 'x', '"');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const body = Buffer.from(pieces.join(''));
        try {
          for (const { start, end } of formFields(body, 'xyz')) assert.ok(start <= end && end <= body.length);
        } catch (error) {
          assert.equal((error as { code?: string }).code, 'invalid_request');
        }
      }),
      { numRuns: 2000 },
    );
  });
});
