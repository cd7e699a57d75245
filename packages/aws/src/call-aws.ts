import { type AwsFault, findAwsFault, toAwsError } from "./aws-fault.ts";

/** Values by AWS's name of an error, by our code or by its `Answer`; the first of these that has one counts. */
type ByFault<Value> = Readonly<Record<string, Value>>;

/** What the errors of a call mean for its caller. */
export interface CallPolicy<Else = never> {
  /** What could not be done, as a sentence. */
  readonly what: string;
  /** What to do about it. Default: as the code says. */
  readonly advice?: string | ByFault<string>;
  /** Results in place of errors: `{ gone: undefined }` where nothing needs to be there. Default: each error is thrown. */
  readonly instead?: ByFault<Else>;
}

/** Makes a call of AWS. Throws its errors as `toAwsError` converts them, and those of ours unchanged. */
export async function callAws<Result, Else = never>(
  send: () => Promise<Result>,
  { what, advice = "", instead = {} }: CallPolicy<Else>,
): Promise<Result | Else> {
  try {
    return await send();
  } catch (error) {
    const fault = findAwsFault(error);
    const other = select(instead, fault);
    if (other !== undefined) return other.value;
    throw toAwsError(error, what, typeof advice === "string" ? advice : select(advice, fault)?.value);
  }
}

function select<Value>(
  values: ByFault<Value>,
  { name, code, answer }: AwsFault,
): { readonly value: Value } | undefined {
  const found = [name, code, answer].flatMap((key) => Object.entries(values).filter(([each]) => each === key));
  return found[0] && { value: found[0][1] };
}
