import { Readable } from "node:stream";
import { sdkStreamMixin } from "@smithy/core/serde";
import {
  changingWeather,
  commonWeathers,
  failingWeather,
  isCall,
  type Moment,
  type Sky,
  type Weather,
} from "@stackyard/core/testing";
import type { AwsSim } from "../aws-sim.ts";
import { connectionReset, SimFault } from "../sim-fault.ts";
import { BUSY, FAIL_ONE, findList, HIDE_ONE } from "./answer-shapes.ts";
import { IMPOSSIBLE, isRead } from "./impossible.ts";
import { meanwhileWeathers } from "./meanwhile.ts";
import { isNextPage, pagedWeathers } from "./paged-answers.ts";
import { faultsOf } from "./service-faults-of.ts";
import { untrustedWeathers } from "./untrusted.ts";

const MINUTE_MS = 60_000;
/** The timeout of our clients. The SDK's `requestTimeout` has no default. */
const CLIENT_LIMIT_MS = 30_000;

/** The names of an internal error, where they are not `InternalFailure` ("Common errors" of each service). */
const SERVER_ERRORS: Readonly<Record<string, string>> = {
  ECS: "ServerException",
  S3: "InternalError",
  Lambda: "ServiceException",
  SNS: "InternalErrorException",
  SSM: "InternalServerError",
  EC2: "InternalError",
  SecretsManager: "InternalServiceError",
};

function throttled(name: string, lastsMs?: number): Weather {
  return failingWeather({
    name,
    ...(lastsMs !== undefined && { lastsMs }),
    source: '"Common errors" in the API reference of each service; EC2: "Request throttling"',
    error: (moment) => faultsOf(moment).throttled(),
  });
}

function denied(name: string, lastsMs?: number): Weather {
  return failingWeather({
    name,
    ...(lastsMs !== undefined && { lastsMs }),
    source: 'IAM guide, "Troubleshooting IAM": changes are not always immediately visible; aws/aws-cdk#37675',
    error: (moment) => faultsOf(moment).denied("arn:aws:sts::111122223333:assumed-role/weather/1", moment.operation),
  });
}

/** A read that does not show something yet, or does not show it for a moment. */
function missing(name: string, lastsMs?: number): Weather {
  return changingWeather({
    name,
    ...(lastsMs !== undefined && { lastsMs }),
    source: 'EC2 and ECS developer guides, "Eventual consistency"; dask/dask-cloudprovider#483, boto/boto3#842',
    fits: (moment, answer) =>
      isRead(moment.operation) &&
      (moment.operation in HIDE_ONE || findList(answer) !== undefined) &&
      answer !== undefined,
    change(answer, { operation }) {
      const hide = HIDE_ONE[operation];
      if (hide !== undefined) return hide(Object(answer));
      const name = findList(answer);
      return name === undefined ? answer : { ...Object(answer), [name]: Object(answer)[name].slice(1) };
    },
  });
}

const partial: readonly Weather[] = [0, 1].map((index) =>
  changingWeather({
    name: index === 0 ? "partial" : "partial, throttled",
    source: "API references of PublishBatch, PutEvents and DeleteObjects: status 200 with failed entries",
    fits: ({ operation }) => FAIL_ONE[operation]?.[index] !== undefined,
    change: (answer, { operation, input }) => FAIL_ONE[operation]?.[index]?.[1](Object(answer), Object(input)),
  }),
);

const busy: readonly Weather[] = BUSY.flatMap(({ operation, code, status, source }) =>
  [
    { name: `busy ${code} 30 s`, lastsMs: 30_000 },
    { name: `busy ${code} 10 min`, lastsMs: 10 * MINUTE_MS },
  ].map((named) =>
    failingWeather({
      ...named,
      source,
      fits: (moment) => operation.test(moment.operation),
      error: () => new SimFault(code, status, "The resource is busy. Try again later."),
    }),
  ),
);

const allWeathers: readonly Weather[] = [
  ...commonWeathers,
  throttled("throttled"),
  throttled("throttled 5 min", 5 * MINUTE_MS),
  failingWeather({
    name: "server error",
    source: '"Common errors" in the API reference of each service: status 500',
    error: ({ operation }) =>
      new SimFault(SERVER_ERRORS[operation.split(".")[0] ?? ""] ?? "InternalFailure", 500, "Not now."),
  }),
  failingWeather({
    name: "gateway",
    source: "danmoz/caddy-lambda#4, localstack/localstack#3217: a gateway answers 502 for a function that runs",
    fits: ({ operation }) => operation === "Lambda.Invoke",
    isServed: true,
    error: () => new SimFault("UnknownError", 502, "<html>Bad Gateway</html>"),
  }),
  failingWeather({
    name: "unregistered 2 min",
    lastsMs: 2 * MINUTE_MS,
    source:
      'SSM API reference, SendCommand, InvalidInstanceId: the agent is not running, or not "registered with the SSM endpoint"',
    fits: ({ operation, input }) => operation === "SSM.SendCommand" && Object(input).InstanceIds !== undefined,
    error: () => new SimFault("InvalidInstanceId", 400, "Instances [[i-1]] not in a valid state for account 1"),
  }),
  {
    name: "silent",
    source: "aws/aws-sdk-js-v3, requestTimeout of NodeHttpHandler: no answer, then a TimeoutError",
    fits: isCall,
    async meet(_, proceed, world) {
      await proceed();
      await world.wait(CLIENT_LIMIT_MS);
      throw Object.assign(new Error(`No response within ${CLIENT_LIMIT_MS} ms`), { name: "TimeoutError" });
    },
  },
  denied("denied"),
  denied("denied 2 min", 2 * MINUTE_MS),
  missing("missing"),
  missing("missing 30 s", 30_000),
  {
    name: "stale",
    source: 'EC2 and ECS developer guides, "Eventual consistency": a replica that is behind',
    fits: (moment) => isRead(moment.operation) && moment.earlier.length > 0 && !isNextPage(moment),
    meet: async ({ earlier }) => earlier.at(-1)?.answer,
  },
  ...pagedWeathers,
  ...partial,
  ...busy,
  ...meanwhileWeathers,
  ...untrustedWeathers,
  failingWeather({
    name: "archived",
    source: "S3 API reference, GetObject, InvalidObjectState: a lifecycle rule has moved the object to S3 Glacier",
    fits: ({ operation }) => operation === "S3.GetObject",
    error: () => new SimFault("InvalidObjectState", 403, "The operation is not valid for the object's storage class."),
  }),
  changingWeather({
    name: "cut",
    source: "aws/aws-sdk-js-v3#6770: the connection ends within the body",
    fits: ({ operation }, answer) => operation === "S3.GetObject" && answer !== undefined,
    change: (answer) => ({ ...Object(answer), Body: cutBody() }),
  }),
];

function cutBody(): unknown {
  const content = async function* () {
    yield Buffer.from("{");
    throw connectionReset();
  };
  return sdkStreamMixin(Readable.from(content(), { objectMode: false }));
}

/** The ways in which AWS, the network and machines misbehave, each with its source. Calls of others meet only the common ones. */
export const awsWeathers: readonly Weather[] = allWeathers.map((weather) => ({
  ...weather,
  fits: (moment, answer) =>
    (!isCall(moment) || isOfAws(moment) || commonWeathers.includes(weather)) &&
    !isImpossible(weather, moment) &&
    weather.fits(moment, answer),
}));

/** Operations of AWS are words, such as `S3.GetObject`; those over HTTP are methods, such as `Backend.GET`. */
function isOfAws({ operation }: Moment): boolean {
  return /^\w+\.[A-Z][a-z]/.test(operation);
}

function isImpossible({ name }: Weather, { operation }: Moment): boolean {
  return IMPOSSIBLE.some((each) => each.weather.test(name) && each.operation.test(operation));
}

/** Passes every request to a simulation through the sky. */
export function watchSim(sim: AwsSim, sky: Sky): void {
  sim.intercept((request, proceed) =>
    sky.meet(`${request.service}.${request.operation}`, request.input, proceed, (operation, input) =>
      sim.actBeside(request, operation, input),
    ),
  );
}
