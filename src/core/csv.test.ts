import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { csvLine } from './csv.ts';

describe('a line of CSV', () => {
  for (const [cells, expected] of [
    [['a', 1, true, null], 'a,1,true,'],
    [['say "hi"', 'a,b', 'two\nlines'], '"say ""hi""","a,b","two\nlines"'],
    [['=HYPERLINK("http://x")', '+1+1', '@SUM(A1)', '-cmd'], `"'=HYPERLINK(""http://x"")",'+1+1,'@SUM(A1),'-cmd`],
    [['-0.25', '0.000001'], '-0.25,0.000001'],
  ] as const) {
    it(JSON.stringify(cells), () => assert.equal(csvLine(cells), `${expected}\n`));
  }
});
