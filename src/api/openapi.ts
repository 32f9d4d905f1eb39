import { z } from 'zod';
import { errorBody } from './fields.ts';
import { OPERATIONS, type Operation } from './operations.ts';

/** OpenAPI 3.1 of the admin API, from the very schemas that validate it. */
export function openApiDocument(version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [name, operation] of Object.entries<Operation>(OPERATIONS)) {
    (paths[operation.path] ??= {})[operation.method.toLowerCase()] = describe(name, operation);
  }
  return {
    openapi: '3.1.0',
    info: { title: 'Bulkhead admin API', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    paths,
    components: {
      securitySchemes: {
        admin: {
          type: 'http',
          scheme: 'bearer',
          description:
            'The admin token of the data folder (bha_…), a personal token (bhu_…), or a virtual key of the kind admin or read. Each operation needs the permission that x-permission names.',
        },
      },
      schemas: { Error: schemaOf(errorBody, 'output') },
    },
  };
}

function describe(name: string, operation: Operation): Record<string, unknown> {
  const parameters = [...pathParameters(operation.path), ...queryParameters(operation.query)];
  const body = schemaOf(operation.body, 'input');
  const takesBody = Object.keys((body['properties'] ?? {}) as object).length > 0;
  return {
    operationId: name,
    summary: operation.summary,
    ...(operation.permission !== null && { 'x-permission': operation.permission }),
    security: operation.access === 'admin' ? [{ admin: [] }] : [],
    ...(parameters.length > 0 && { parameters }),
    ...(takesBody && { requestBody: { required: true, content: { 'application/json': { schema: body } } } }),
    responses: {
      [operation.status]: { description: 'Done.', content: { [mediaType(operation)]: { schema: schemaOf(operation.reply, 'output') } } },
      default: { description: 'Refused.', content: { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } } },
    },
  };
}

const mediaType = (operation: Operation): string => (operation.path === '/metrics' ? 'text/plain' : 'application/json');

function pathParameters(path: string): readonly Record<string, unknown>[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
}

function queryParameters(query: z.ZodType): readonly Record<string, unknown>[] {
  const schema = schemaOf(query, 'input');
  const required = (schema['required'] ?? []) as readonly string[];
  return Object.entries((schema['properties'] ?? {}) as Record<string, Record<string, unknown>>).map(([name, property]) => ({
    name,
    in: 'query',
    required: required.includes(name),
    schema: property,
  }));
}

function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, target: 'draft-2020-12', unrepresentable: 'any' });
  return rest;
}
