import { Fn, Token } from "aws-cdk-lib";

/** Appends an ending to each ARN. A list from a parameter has no elements before the template is deployed. */
export function withEnding(arns: readonly string[], ending: string): readonly string[] {
  if (!Token.isUnresolved(arns)) return arns.map((arn) => `${arn}${ending}`);
  return Fn.split(",", `${Fn.join(`${ending},`, [...arns])}${ending}`);
}
