import { tinyRole } from './tiny.ts';

tinyRole('ledger');
