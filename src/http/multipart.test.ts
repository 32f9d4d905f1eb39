import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FormScanner, type FormField } from './form-scanner.ts';
import { formBoundary } from './multipart.ts';

const TYPE = 'multipart/form-data; boundary=xyz';
const form = (...parts: readonly string[]): Buffer => Buffer.from(`${parts.map((part) => `--xyz\r\n${part}\r\n`).join('')}--xyz--\r\n`);
const field = (name: string, value: string): string => `Content-Disposition: form-data; name="${name}"\r\n\r\n${value}`;

function formFields(body: Buffer, boundary: string, wanted: readonly string[] = [], cuts: readonly number[] = []): readonly FormField[] {
  const scanner = new FormScanner(boundary, new Set(wanted));
  let at = 0;
  for (const cut of [...cuts, body.length]) scanner.push(body.subarray(at, (at = Math.max(at, cut))));
  scanner.end();
  return scanner.fields;
}

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

  it('refuses a name that two readers could read differently, and a file where a value must be', () => {
    const part = (disposition: string, more = ''): Buffer => form(`Content-Disposition: form-data; ${disposition}${more}\r\n\r\nx`);
    const refused: readonly Buffer[] = [
      part('name="a"; name="model"'),
      part('name="a"; name*=utf-8\'\'model'),
      part('name="a" model'),
      part('name="a";\r\n name="b"'),
      part('name="a"', '\nname: b'),
      part('name="a"', '\r\nX'),
      part('name="model"; filename="x"'),
      part(`name="${'a'.repeat(300)}"`),
      part('name="a"', `\r\nX: ${'y'.repeat(9000)}`),
      // A boundary that begins in the head's own line break, and one within a head.
      Buffer.from('--xyz\r\nContent-Disposition: form-data; name="a"\r\n\r\n--xyz--\r\n'),
      Buffer.from('--xyz\r\nContent-Disposition: form-data; name="a"\r\n--xyz: 1\r\n\r\nx\r\n--xyz--\r\n'),
      Buffer.from('--xyz\r\n--xyz\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n--xyz--\r\n'),
    ];
    for (const body of refused)
      assert.throws(() => formFields(body, 'xyz', ['model']), { code: 'invalid_request' }, body.toString().slice(0, 90));
    // What looks like a name within a file's name is none.
    assert.deepEqual(read(part('filename="; name=model"; name="file"')), {});
    assert.deepEqual(read(part('NAME=a')), { a: 'x' });
  });

  it('keeps the beginning of the values that were asked for, and says where the first file begins', () => {
    const long = 'é'.repeat(2000);
    const file = 'content-disposition: form-data; name="file"; filename="a"\r\n\r\nsound';
    const body = form(field('model', 'm'), field('prompt', 'p'), field('user', long), file, field('n', ''));
    const fields = formFields(body, 'xyz', ['model', 'user', 'n']);
    assert.deepEqual(
      fields.map(({ name, value }) => [name, value]),
      [
        ['model', 'm'],
        ['prompt', undefined],
        ['user', long.slice(0, 512)],
        ['n', ''],
      ],
    );
    const scanner = new FormScanner('xyz', new Set());
    const at = body.indexOf('sound');
    scanner.push(body.subarray(0, at - 1));
    assert.equal(scanner.fileAt, undefined);
    scanner.push(body.subarray(at - 1));
    assert.equal(scanner.fileAt, at);
  });

  it('reads the same wherever the bytes are cut (property)', () => {
    const file = `content-disposition: form-data; name="file"; filename="a"\r\n\r\n${'\r\n--xy\r\n--xy\r'.repeat(3)}`;
    const body = form(field('model', 'm'), field('prompt', '\r\n-'), file, field('n', '2'));
    const whole = formFields(body, 'xyz', ['model', 'n']);
    for (let cut = 0; cut <= body.length; cut++) assert.deepEqual(formFields(body, 'xyz', ['model', 'n'], [cut]), whole, `cut at ${cut}`);
    fc.assert(
      fc.property(fc.array(fc.nat(body.length), { maxLength: 30 }), (cuts) => {
        assert.deepEqual(
          formFields(
            body,
            'xyz',
            ['model', 'n'],
            cuts.toSorted((a, b) => a - b),
          ),
          whole,
        );
      }),
    );
    const bytes = Array.from({ length: body.length }, (_, index) => index);
    assert.deepEqual(formFields(body, 'xyz', ['model', 'n'], bytes), whole);
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
