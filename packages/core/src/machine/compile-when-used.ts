import type { Static, TSchema } from "typebox";
import { Compile, type Validator } from "typebox/compile";

type NoContext = Record<never, never>;

/** Compiles a schema when it first checks a value: a process that starts checks few of those that it has. */
export function compileWhenUsed<const Schema extends TSchema>(schema: Schema) {
  let compiled: Validator<NoContext, Schema> | undefined;
  const compile = (): Validator<NoContext, Schema> => {
    const validator = compiled ?? Compile(schema);
    compiled = validator;
    return validator;
  };
  return {
    Check: (value: unknown): value is Static<Schema> => compile().Check(value),
    Errors: (value: unknown) => compile().Errors(value),
  };
}
