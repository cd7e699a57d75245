import type { AwsSim } from "../aws-sim.ts";
import type { Answer } from "./front-door.ts";

/**
 * CloudFormation or Elastic Load Balancing of a simulation over HTTP. Source of the form: Smithy, "AWS query protocol": names as
 * they are, lists of `member`s, answers inside of `…Result`.
 */
export function answerAwsQuery(sim: AwsSim, service: "CloudFormation" | "ElasticLoadBalancingV2"): Answer {
  return async ({ region, accessKeyId, body }) => {
    const { Action: operation = "", Version: _version, ...fields } = Object.fromEntries(new URLSearchParams(`${body}`));
    const input = toInput(fields);
    const call = { service, operation, input, region, accessKeyId, sessionToken: undefined };
    const { status, text } = await sim.serve(call).then(
      (output) => ({ status: 200, text: `<${operation}Result>${toXml(output)}</${operation}Result>` }),
      (error) => ({ status: error.$metadata?.httpStatusCode ?? 500, text: toError(error) }),
    );
    const root = status === 200 ? `${operation}Response` : "ErrorResponse";
    const headers = { "content-type": "text/xml" };
    return { status, headers, body: Buffer.from(`<${root}>${text}<RequestId>1</RequestId></${root}>`) };
  };
}

/** `Targets.member.1.Id=x` is the id of the first target. */
function toInput(fields: Readonly<Record<string, string>>): Record<string, unknown> {
  const input: Record<string, unknown> = {};
  for (const [path, value] of Object.entries(fields)) {
    const [name = "", , index, field] = path.split(".");
    if (index === undefined) {
      input[name] = value;
      continue;
    }
    const list: unknown[] = Array.isArray(input[name]) ? input[name] : [];
    input[name] = list;
    list[Number(index) - 1] = field === undefined ? value : { ...Object(list[Number(index) - 1]), [field]: value };
  }
  return input;
}

function toXml(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map((each) => `<member>${toXml(each)}</member>`).join("");
  if (typeof value !== "object" || value === null) {
    return String(value ?? "").replace(/[&<>]/g, (each) => `&#${each.codePointAt(0)};`);
  }
  const fields = Object.entries(value).filter(([, each]) => each !== undefined);
  return fields.map(([name, each]) => `<${name}>${toXml(each)}</${name}>`).join("");
}

/** On the wire most names go without `Exception` (the `awsQueryError` trait). */
function toError({ name, message }: Error): string {
  const Code = name.replace(/Exception$/, "");
  return `<Error>${toXml({ Type: "Sender", Code, Message: message })}</Error>`;
}
