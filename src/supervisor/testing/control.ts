import { tinyRole } from './tiny.ts';

tinyRole('control');
