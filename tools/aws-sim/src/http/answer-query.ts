import type { AwsSim } from "../aws-sim.ts";
import type { Answer } from "./front-door.ts";
import { parseQuery } from "./parse-query.ts";
import { toXml } from "./to-xml.ts";

type QueryService = "EC2" | "AutoScaling";

/**
 * EC2 or Auto Scaling of a simulation over HTTP. Sources of the form: AWS EC2 query protocol and AWS query protocol, as far as
 * the operations here need them.
 */
export function answerQuery(sim: AwsSim, service: QueryService): Answer {
  return async ({ region, accessKeyId, body }) => {
    const { operation, input } = parseQuery(body.toString());
    const call = { service, operation, input, region, accessKeyId, sessionToken: undefined };
    const { status, text } = await sim.serve(call).then(
      (output) => ({ status: 200, text: toAnswer(service, operation, output) }),
      (error) => ({ status: error.$metadata?.httpStatusCode ?? 500, text: toError(service, error) }),
    );
    return { status, headers: { "content-type": "text/xml;charset=UTF-8" }, body: Buffer.from(text) };
  };
}

function toAnswer(service: QueryService, operation: string, output: unknown): string {
  if (service === "EC2") return `<${operation}Response>${toXml(output)}</${operation}Response>`;
  const result = `<${operation}Result>${toXml(output)}</${operation}Result>`;
  return `<${operation}Response>${result}</${operation}Response>`;
}

function toError(service: QueryService, { name, message }: Error): string {
  const error = `<Code>${name}</Code>${toXml({ Message: message }, { keepNames: true })}`;
  return service === "EC2"
    ? `<Response><Errors><Error>${error}</Error></Errors><RequestID>1</RequestID></Response>`
    : `<ErrorResponse><Error><Type>Sender</Type>${error}</Error><RequestId>1</RequestId></ErrorResponse>`;
}
