import type { EnvironmentVariables } from "../app.ts";

/** Addresses instead of the services' own: `AWS_ENDPOINT_URL` and `AWS_ENDPOINT_URL_<SERVICE>`, as the SDK reads them. */
export interface Endpoints {
  readonly all: string | undefined;
  /** By the last part of the variable's name, such as `SQS` or `SECRETS_MANAGER`. */
  readonly byService: ReadonlyMap<string, string>;
}

const NAME = /^AWS_ENDPOINT_URL_([A-Z0-9_]+)$/;
/** Where the predecessor's local set-up had them. */
const LOCAL = new Map([
  ["SQS", "http://sqs:9324"],
  ["DYNAMODB", "http://dynamodb:8000"],
]);

/** What is no address. */
export function findEndpointFaults(values: EnvironmentVariables): readonly string[] {
  const wrong = Object.entries(values).filter(
    ([name, value]) => NAME.test(name) && value !== undefined && !/^https?:\/\/\S+$/.test(value),
  );
  return wrong.map(([name]) => `${name} must be an address such as http://127.0.0.1:4566.`);
}

/** Reads the addresses; with `LOCAL_MODE` SQS and DynamoDB have one where none is said. */
export function toEndpoints(values: EnvironmentVariables): Endpoints {
  const { AWS_ENDPOINT_URL: all, LOCAL_MODE, AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: ignored } = values;
  if (ignored === "true") return { all: undefined, byService: new Map() };
  const local = LOCAL_MODE !== undefined && all === undefined ? LOCAL : new Map<string, string>();
  const said = Object.entries(values).flatMap(([name, value]) => {
    const service = NAME.exec(name)?.[1];
    return service === undefined || value === undefined ? [] : [[service, value] as const];
  });
  return { all, byService: new Map([...local, ...said]) };
}
