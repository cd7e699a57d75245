import type { AwsSim } from "../aws-sim.ts";
import type { Answer, HttpAnswer } from "./front-door.ts";
import { parseQuery } from "./parse-query.ts";
import { readFault } from "./read-fault.ts";
import { type QueryDialect, readStructure } from "./read-query-value.ts";
import { loadSchemas, type OperationSchemas, type QueryService, type ServiceSchemas } from "./service-schemas.ts";
import { escapeText, toXml } from "./to-xml.ts";

/**
 * A service of a simulation that speaks one of the query protocols, over HTTP; named as the SDK names its client, without
 * `Client`. Sources of the form: Smithy, "AWS query protocol" and "AWS EC2 query protocol".
 */
export function answerQuery(sim: Pick<AwsSim, "serve">, service: QueryService): Answer {
  const dialect = service === "EC2" ? "ec2Query" : "awsQuery";
  return async ({ region, accessKeyId, sessionToken, body }) => {
    const schemas = await loadSchemas(service);
    const { operation, fields } = parseQuery(body.toString());
    const found: OperationSchemas = schemas.findOperation(operation) ?? { input: undefined, output: undefined };
    const input = found.input === undefined ? {} : readStructure(found.input, fields, dialect);
    const call = { service, operation, input, region, accessKeyId, sessionToken };
    return sim.serve(call).then(
      (output) => toOutput({ operation, dialect, found }, output),
      (error) => toError(schemas, dialect, error),
    );
  };
}

interface Asked {
  readonly operation: string;
  readonly dialect: QueryDialect;
  readonly found: OperationSchemas;
}

/** Only the older protocol has an element around the result. */
function toOutput({ operation, dialect, found }: Asked, output: unknown): HttpAnswer {
  const text = found.output === undefined ? "" : toXml(found.output, output);
  const body =
    dialect === "ec2Query"
      ? `<requestId>1</requestId>${text}`
      : `<${operation}Result>${text}</${operation}Result><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata>`;
  return toAnswer(200, `<${operation}Response>${body}</${operation}Response>`);
}

function toError(schemas: ServiceSchemas, dialect: QueryDialect, error: unknown): HttpAnswer {
  const { name, message, status } = readFault(error);
  const code = `<Code>${schemas.toCode(name)}</Code><Message>${escapeText(message)}</Message>`;
  if (dialect === "ec2Query") {
    const errors = `<Errors><Error>${code}</Error></Errors>`;
    return toAnswer(status, `<Response>${errors}<RequestID>1</RequestID></Response>`);
  }
  const type = status >= 500 ? "Receiver" : "Sender";
  const body = `<Error><Type>${type}</Type>${code}</Error><RequestId>1</RequestId>`;
  return toAnswer(status, `<ErrorResponse>${body}</ErrorResponse>`);
}

function toAnswer(status: number, text: string): HttpAnswer {
  return { status, headers: { "content-type": "text/xml;charset=UTF-8" }, body: Buffer.from(text) };
}
