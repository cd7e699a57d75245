import { changingWeather, commonWeathers, failingWeather, type Moment, type Weather } from "@stackyard/core/testing";
import type { HttpAnswer } from "./terraform-http.ts";
import { FATES, type Fate } from "./terraform-program.ts";

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;

const HTTP_BACKEND = "Terraform docs, Backend Type: http";
const isState = ({ operation }: Pick<Moment, "operation">) => /^(Backend|Yard)\./.test(operation);
const isRequest = (moment: Pick<Moment, "operation">) => isState(moment) || moment.operation.startsWith("Registry.");
const isRead = ({ operation }: Moment) => operation.endsWith(".GET") && operation !== "Registry.GET";
const toStatus = (answer: unknown) => Number(Object(answer).status);

interface AnswerInput extends Pick<Weather, "name" | "source" | "lastsMs"> {
  readonly answer: HttpAnswer;
  readonly fits?: (moment: Moment, answer: unknown) => boolean;
  /** True if the request has its effect before. Default: false. */
  readonly isServed?: boolean;
}

/** The state backend, or a proxy before it, answers something else. */
function answering({ answer, fits = isState, isServed = false, ...named }: AnswerInput): Weather {
  return {
    ...named,
    fits,
    async meet(_, proceed) {
      if (isServed) await proceed();
      return answer;
    },
  };
}

const LOCK = JSON.stringify({ ID: "a-lock", Operation: "OperationTypeApply", Who: "ada@laptop", Info: "" });
const HTML = "<html><body>Sign in</body></html>";

const answers: readonly Weather[] = [
  ...[500, 502, 503, 429].map((status) =>
    answering({
      name: `status ${status}`,
      source: "go-retryablehttp, DefaultRetryPolicy: 429 and 5xx may pass",
      answer: { status, body: "" },
    }),
  ),
  answering({
    name: "status 503 for 10 min",
    source: "gitlab-org/gitlab: a state server that is restarted or upgraded",
    lastsMs: 10 * MINUTE_MS,
    answer: { status: 503, body: "" },
  }),
  answering({
    name: "status 504 after",
    source: "A gateway that waits for less time than its server: RFC 9110, section 15.6.5",
    isServed: true,
    answer: { status: 504, body: "" },
  }),
  answering({ name: "status 501", source: "go-retryablehttp: not repeated", answer: { status: 501, body: "" } }),
  answering({
    name: "unauthorized",
    source: "go-terraform-http-backend: a password that is rotated, or a clock that is off",
    answer: { status: 401, body: "" },
  }),
  answering({
    name: "forbidden 20 min",
    source: "Terraform, internal/backend/remote-state/http/client.go: 403 is an invalid auth",
    lastsMs: 20 * MINUTE_MS,
    answer: { status: 403, body: "" },
  }),
  answering({
    name: "locked 10 min",
    source: `${HTTP_BACKEND}: 423 Locked or 409 Conflict with the holding lock's information`,
    fits: ({ operation }) => operation.endsWith(".LOCK"),
    lastsMs: 10 * MINUTE_MS,
    answer: { status: 423, body: LOCK },
  }),
  answering({
    name: "conflict",
    source: `${HTTP_BACKEND}: 423 Locked or 409 Conflict with the holding lock's information`,
    answer: { status: 409, body: LOCK },
  }),
  answering({
    name: "conflict without text",
    source: "hashicorp/terraform#24294: a conflict whose body is no lock",
    answer: { status: 409, body: "" },
  }),
  answering({
    name: "sign-in page",
    source: "RFC 6585, section 6: an intercepting proxy that answers 200 with a page of its own",
    answer: { status: 200, body: HTML },
  }),
  answering({
    name: "empty",
    source: `${HTTP_BACKEND}; internal/backend/remote-state/http/client.go: an empty body is no state`,
    fits: (moment, answer) => isRead(moment) && toStatus(answer) === 200,
    answer: { status: 200, body: "" },
  }),
  answering({
    name: "not found",
    source:
      "A replica, a cache or a bucket that does not have the state: 204 and 404 are no state to the client of the backend http",
    fits: (moment, answer) => isRead(moment) && toStatus(answer) === 200,
    answer: { status: 404, body: "" },
  }),
  {
    name: "stale",
    source: "A replica that is behind: a state that was read before",
    fits: (moment) => isRead(moment) && moment.earlier.length > 0,
    meet: async ({ earlier }) => earlier[0]?.answer,
  },
  changingWeather({
    name: "cut",
    source: "RFC 9112, section 8: an incomplete message, whose reader does not check its length",
    fits: (moment, answer) => isRead(moment) && toStatus(answer) === 200,
    change: (answer) => {
      const { status, body } = answer as HttpAnswer;
      return { status, body: body.slice(0, body.length / 2) };
    },
  }),
];

/** What a person does to the lock of a run, with every right. */
const persons: readonly Weather[] = (
  [
    ["lock broken", "Backend.unlock", "Terraform docs, Command: force-unlock"],
    ["lock taken", "Backend.take", "Terraform docs, Command: force-unlock, by someone who then works on the state"],
  ] as const
).map(([name, act, source]) => ({
  name,
  source,
  fits: ({ operation }) => operation === "Backend.POST" || operation === "Backend.UNLOCK",
  async meet(_, proceed, world) {
    await world.act(act, {});
    return proceed();
  },
}));

/** The commands that can meet each fate; the others all. */
const COMMANDS: Partial<Record<Fate, RegExp>> = {
  "killed before saved": /apply|destroy/,
  "killed when saved": /apply|destroy/,
  "killed at the end": /apply|destroy/,
  "output cut": /apply|destroy|show|output|state/,
  "provider fails": /apply|destroy/,
};

const SOURCES: Partial<Record<Fate, string>> = {
  "not found": "execve(2): ENOENT, while a new version is installed",
  "no process": "fork(2): EAGAIN",
  crashes: "Terraform docs, Debugging Terraform: a crash log, and exit code 11",
  hangs: "hashicorp/terraform: a provider that does not answer, nor to an interrupt",
  "hangs until interrupted": "Terraform docs, Command: apply: an interrupt ends it after the current call",
  "disk full": "write(2): ENOSPC",
  "output cut": "write(2): ENOSPC at a line of progress, which Terraform does not check",
  "fails after": "hashicorp/terraform#29724, opentofu/opentofu#4367: exit code 1 after a successful apply",
  "provider fails": "Terraform docs, How Terraform Works With Plugins: a call of a provider returns an error",
};

const fates: readonly Weather[] = (Object.keys(FATES) as Fate[]).map((fate) => ({
  name: fate,
  source: SOURCES[fate] ?? "signal(7): SIGKILL, as by the OOM killer; upbound/provider-terraform#158",
  fits: ({ operation }) => operation.startsWith("Terraform.") && (COMMANDS[fate]?.test(operation) ?? true),
  async meet(_, proceed, world) {
    await world.act("Terraform.fate", { fate });
    return proceed();
  },
}));

const CREDENTIALS = "AWS STS API Reference, AssumeRole, Errors";
const registry = "Terraform docs, Provider Registry Protocol";

/** The ways in which Terraform, its state backend, registries and AWS STS misbehave, each with its source. */
export const terraformWeathers: readonly Weather[] = [
  ...commonWeathers.map((weather) =>
    weather.name.startsWith("reset") ? { ...weather, fits: (moment: Moment) => isRequest(moment) } : weather,
  ),
  ...answers,
  ...persons,
  ...fates,
  failingWeather({
    name: "registry down 10 min",
    source: `${registry}: registry.terraform.io returned 503`,
    lastsMs: 10 * MINUTE_MS,
    fits: ({ operation }) => operation.startsWith("Registry."),
    error: () => new Error("Failed to query available provider packages: 503 Service Unavailable"),
  }),
  failingWeather({
    name: "wrong checksum",
    source: `${registry}: a package that a proxy has cut or replaced`,
    fits: ({ operation }) => operation.startsWith("Registry."),
    error: () => new Error("Failed to install provider: the current package doesn't match any of the checksums"),
  }),
  ...(
    [
      ["denied", undefined],
      ["denied 20 min", 20 * MINUTE_MS],
    ] as const
  ).map(([name, lastsMs]) =>
    failingWeather({
      name,
      source: CREDENTIALS,
      ...(lastsMs !== undefined && { lastsMs }),
      fits: ({ operation }) => operation.startsWith("STS."),
      error: () =>
        Object.assign(new Error("User is not authorized to perform: sts:AssumeRole"), { name: "AccessDenied" }),
    }),
  ),
  failingWeather({
    name: "throttled 5 min",
    source: CREDENTIALS,
    lastsMs: 5 * MINUTE_MS,
    fits: ({ operation }) => operation.startsWith("STS."),
    error: () => Object.assign(new Error("Rate exceeded"), { name: "ThrottlingException" }),
  }),
];
