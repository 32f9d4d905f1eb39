import { z } from 'zod';

const MODEL = /^[\x21-\x7e]{1,200}$/;

const target = z.union([
  z.string().min(1).max(256),
  z
    .strictObject({
      model: z.string().min(1).max(256).describe('`provider/model`.'),
      base_model: z
        .string()
        .regex(MODEL, 'must be the name of a model, at most 200 characters')
        .describe(
          'The model behind a name that does not tell it: an application inference profile or provisioned throughput of Bedrock, a deployment of Azure. It says in which protocol the model is asked, what it can take, and what it costs.',
        ),
    })
    .describe('A target whose name does not tell which model it is.'),
]);

/** What an alias stands for. */
export const targetsSchema = z.union([target, z.array(target).min(1).max(16)]);
