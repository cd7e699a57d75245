import { Type } from "typebox";
import { answer, defineOperation, page } from "./define-operation.ts";
import { Name, pageQuery } from "./fields.ts";

const audit = { permission: "audit", subject: "yard", tag: "audit" } as const;

export const listAudit = defineOperation("GET", "/v1/audit", {
  operationId: "listAudit",
  ...audit,
  audited: true,
  summary: "Lines of the audit log, newest first. Lines of the last second may be missing.",
  query: {
    who: Type.Optional(Type.String({ minLength: 1, maxLength: 512, description: "The id or the name of a sender." })),
    action: Type.Optional({ ...Name, description: "Such as CANCEL_TASK or revokeToken." }),
    stack: Type.Optional({ ...Name, description: "The id of a stack." }),
    since: Type.Optional(Type.String({ maxLength: 64, description: "ISO 8601 with Z or an offset: not earlier." })),
    ...pageQuery,
  },
  answers: { 200: page("AuditLine", "A page; it may be short and have a cursor.") },
});

export const getAuditHead = defineOperation("GET", "/v1/audit/head", {
  operationId: "getAuditHead",
  ...audit,
  summary: "Where the audit log begins and ends: keep it elsewhere, and a missing end is noticed.",
  answers: { 200: answer("AuditHead", "The head.") },
});
