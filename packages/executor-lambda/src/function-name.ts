/** The parts of what a task calls a function. */
export interface FunctionName {
  /** Without account, region and qualifier. */
  readonly name: string;
  /** An alias or a version. */
  readonly qualifier?: string;
}

/**
 * Takes apart a function name in any of the forms of the Invoke API (parameter FunctionName): `make-db`, `make-db:live`,
 * `123456789012:function:make-db` and `arn:aws:lambda:eu-west-1:123456789012:function:make-db:live`. What fits none of
 * them is a plain name.
 */
export function parseFunctionName(text: string): FunctionName {
  const parts = text.split(":");
  const marker = parts.indexOf("function");
  const [name = "", qualifier] = marker === 1 || marker === 5 ? parts.slice(marker + 1) : parts;
  if (name === "") return { name: text };
  return qualifier === undefined || qualifier === "" ? { name } : { name, qualifier };
}
