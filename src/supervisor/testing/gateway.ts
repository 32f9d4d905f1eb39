import { tinyRole } from './tiny.ts';

tinyRole('gateway');
