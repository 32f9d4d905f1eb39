import { tinyRole } from './tiny.ts';

tinyRole('sandbox');
