import { type Static, Type } from "typebox";
import { Check, Errors } from "typebox/value";
import { APPROVAL } from "./approval-name.ts";
import type { ConfigReport, DocumentConfig, ExecutorDefinition } from "./executor-definition.ts";

/** The time for which an approval waits where the task names no timeout: seven days. */
export const APPROVAL_TIMEOUT_MS = 7 * 24 * 60 * 60 * 1_000;

const MAX_GROUPS = 10;
const MAX_COUNT = 10;
const MAX_GROUP_CHARACTERS = 128;
const MAX_OF_CHARACTERS = 1_024;

const Group = Type.String({ minLength: 1, maxLength: MAX_GROUP_CHARACTERS });
const From = Type.Array(Group, { minItems: 1, maxItems: MAX_GROUPS, description: "Groups whose members may approve." });
const Count = Type.Integer({
  minimum: 1,
  maximum: MAX_COUNT,
  description: "How many people must approve. Default: 1.",
});
const Own = Type.Boolean({ description: "True: the requester may approve too. Default: false." });
const Unowned = Type.Boolean({
  description:
    "True: one person may also approve what a sender has requested behind whom no person is known, such as a token without an owner. Default: false.",
});
const COMMENTS = ["required", "optional"] as const;
const Comment = Type.Union(
  COMMENTS.map((comment) => Type.Literal(comment)),
  { description: "Whether those who approve or reject must say why. Default: optional." },
);
const Of = Type.String({
  minLength: 1,
  maxLength: MAX_OF_CHARACTERS,
  description: "A text, such as a digest, that each approval must repeat.",
});

/** Who may approve, and how. */
const ApprovalConfig = Type.Object(
  {
    from: From,
    count: Type.Optional(Count),
    own: Type.Optional(Own),
    unowned: Type.Optional(Unowned),
    comment: Type.Optional(Comment),
    // An expression may return a number, such as that of a build.
    of: Type.Optional(Type.Union([Of, Type.Number()])),
  },
  { additionalProperties: false },
);
type ApprovalConfig = Static<typeof ApprovalConfig>;

/** A text with an expression. */
const Template = Type.String({ pattern: "\\$\\{" });

/** The schema of the config for editors. */
const ApprovalDocument = Type.Object(
  {
    from: Type.Union([From, Template]),
    count: Type.Optional(Type.Union([Count, Template])),
    own: Type.Optional(Type.Union([Own, Template])),
    unowned: Type.Optional(Type.Union([Unowned, Template])),
    comment: Type.Optional(Type.Union([Comment, Template])),
    of: Type.Optional(Of),
  },
  { additionalProperties: false },
);

/**
 * The definition of the executor `approval` for compilers. Machines of version 2 have it, whatever a yard registers.
 */
export const approvalDefinition: ExecutorDefinition = {
  name: APPROVAL,
  config: ApprovalConfig,
  outputs: Type.Object({ approvedBy: Type.String(), approvedAt: Type.String() }),
  resumable: true,
  checkConfig: checkApprovalConfig,
  documentSchemas: { v1: Type.Never(), v2: ApprovalDocument },
};

/** An approval's config, resolved. */
export interface ApprovalTerms {
  /** Each once, in the order of the document. */
  readonly from: readonly string[];
  readonly count: number;
  readonly own?: true;
  readonly unowned?: true;
  readonly comment?: "required";
  readonly of?: string;
}

/** Reads a resolved config, or returns its fault. Its values must not be sensitive: people read them. */
export function toApprovalTerms(
  config: unknown,
): { readonly kind: "terms"; readonly terms: ApprovalTerms } | { readonly kind: "fault"; readonly reason: string } {
  const [fault] = Errors(ApprovalConfig, config);
  if (fault !== undefined) {
    const where = fault.instancePath === "" ? "" : ` at ${fault.instancePath}`;
    return { kind: "fault", reason: `The config of an approval ${fault.message}${where}.` };
  }
  // The schema has checked it.
  const { from, count = 1, own = false, unowned = false, comment, of } = config as ApprovalConfig;
  const terms: ApprovalTerms = {
    from: [...new Set(from)],
    count,
    ...(own && { own: true }),
    ...(unowned && { unowned: true }),
    ...(comment === "required" && { comment }),
    ...(of !== undefined && { of: String(of) }),
  };
  return { kind: "terms", terms };
}

function checkApprovalConfig(config: DocumentConfig, report: ConfigReport): void {
  report.unknownKeys([], {
    known: Object.keys(ApprovalConfig.properties),
    code: "config-unknown-key",
    owner: "an approval's config",
  });
  checkFrom(config["from"], report);
  for (const [key, { schema, code, what }] of Object.entries(VALUES)) {
    if (config[key] === undefined || Check(schema, config[key])) continue;
    report.error(code, [key], `${key} must be ${what}, but it is ${report.describe([key])}.`);
  }
  const { comment } = config;
  if (comment === undefined || Check(Comment, comment)) return;
  const near = report.suggest(typeof comment === "string" ? comment : undefined, COMMENTS);
  report.error("approval-comment-unknown", ["comment"], `comment cannot be ${report.describe(["comment"])}.${near}`);
}

const VALUES = {
  count: { schema: Count, code: "approval-count-invalid", what: `a whole number from 1 to ${MAX_COUNT}` },
  own: { schema: Own, code: "flag-not-boolean", what: "true or false" },
  unowned: { schema: Unowned, code: "flag-not-boolean", what: "true or false" },
  of: { schema: Of, code: "approval-of-invalid", what: `a text of 1 to ${MAX_OF_CHARACTERS} characters` },
};

function checkFrom(from: unknown, report: ConfigReport): void {
  const path = ["from"];
  if (from === undefined || from === null) {
    const message = "An approval needs from: the groups whose members may approve, such as [release-managers].";
    report.error("approval-from-required", path, message);
    return;
  }
  if (!Array.isArray(from) || from.length === 0 || from.length > MAX_GROUPS) {
    const is = Array.isArray(from) ? `it has ${from.length} entries` : `it is ${report.describe(path)}`;
    report.error("approval-from-invalid", path, `from must be a list of 1 to ${MAX_GROUPS} groups, but ${is}.`);
    return;
  }
  for (const [index, group] of from.entries()) {
    const at = [...path, String(index)];
    if (!Check(Group, group) && !report.hasExpression(at)) {
      const message = `A group must be a text of 1 to ${MAX_GROUP_CHARACTERS} characters, but it is ${report.describe(at)}.`;
      report.error("approval-from-invalid", at, message);
    } else if (from.indexOf(group) < index) {
      report.warn("approval-from-duplicate", at, `The group ${report.quote(String(group))} is listed twice.`);
    }
  }
}
