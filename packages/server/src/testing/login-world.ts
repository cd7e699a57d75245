import { defined } from "@stackyard/core";
import type { AuditEntry } from "@stackyard/core/access";
import { findFreePort, startTestIssuer, type TestIssuer, type TestIssuerOptions } from "@stackyard/oidc-issuer";
import { createTestYard, type TestYard, type TestYardOptions } from "./test-yard.ts";

/** A yard whose server listens, with its issuer. */
export interface LoginWorld {
  readonly yard: TestYard;
  readonly url: string;
  /** Where the server listens, on the loopback interface. */
  readonly port: number;
  readonly issuer: TestIssuer;
  /** The name of the session's cookie. */
  readonly cookie: string;
  /** Returns the lines of the audit log, oldest first. */
  listAudit(): Promise<readonly AuditEntry[]>;
  stop(): Promise<void>;
}

const GRANTS = [{ to: { group: "team-web" }, role: "operator" as const }];

/** Starts both. With `url`, people reach the server there instead of on the loopback. `issuer` in `access` is replaced by the issuer's address. */
export async function startLoginWorld(options: Partial<TestIssuerOptions> & TestYardOptions = {}): Promise<LoginWorld> {
  const { clientId = "stackyard", clientSecret, access, ...rest } = options;
  const port = await findFreePort();
  const { url = `http://127.0.0.1:${port}` } = options;
  const secret = defined({ clientSecret });
  const issuer = await startTestIssuer({ yardUrl: url, clientId, ...secret });
  const workloads = access?.workloads?.map((workload) => ({ ...workload, issuer: issuer.url }));
  const yard = createTestYard({
    port,
    url,
    access: {
      grants: GRANTS,
      ...access,
      people: { ...access?.people, issuer: issuer.url, clientId },
      ...(workloads && { workloads }),
    },
    ...secret,
    ...rest,
  });
  await yard.server.start();
  return {
    yard,
    url,
    port,
    issuer,
    cookie: url.startsWith("https:") ? "__Host-stackyard" : `stackyard-${port}`,
    async listAudit() {
      const { items } = await yard.store.records.list("audit/pending/", { limit: 200, now: yard.clock.now() });
      return items.map(({ value }) => value as AuditEntry);
    },
    async stop() {
      await issuer.stop();
      await yard.stop();
    },
  };
}
