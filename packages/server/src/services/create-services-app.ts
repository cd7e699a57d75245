import type { Logger, PluginService } from "@stackyard/core";
import type { ServiceRunner } from "@stackyard/core/services";
import { type Context, Hono } from "hono";
import { addCommonHeaders } from "../http/common-headers.ts";
import { toErrorResponse } from "../http/error-response.ts";
import { HttpError } from "../http/problem.ts";
import { mountServices } from "./mount-services.ts";

/** The facts about a request from its host. */
export interface ServiceFacts {
  readonly requestId: string;
  /** The sender's address; undefined when it is unknown. */
  readonly address: string | undefined;
}

/** The dependencies of the app that answers requests to services. */
export interface ServicesAppDeps {
  readonly runner: ServiceRunner;
  readonly logger: Logger;
  /** The time limit of an answer, in milliseconds. */
  readonly requestMs: number;
}

/** Answers a request below `/hooks/` or `/wake/`; 404 for other paths. */
export type ServicesApp = (request: Request, facts: ServiceFacts) => Promise<Response>;

/** Creates what answers requests to services in a process without the API, with the limits, errors and headers of servers. */
export function createServicesApp(services: readonly PluginService[], deps: ServicesAppDeps): ServicesApp {
  const { logger } = deps;
  const app = new Hono();
  // They are what `fetch` is called with below.
  const findFacts = (c: Context) => c.env as ServiceFacts;
  mountServices(app, services, { ...deps, findFacts });
  const answerError = (error: Error, c: Context) => toErrorResponse(error, findFacts(c).requestId, logger);
  app.notFound((c) => answerError(new HttpError(404, "NOT_FOUND", "Path not found."), c));
  app.onError(answerError);
  return async (request, facts) => {
    const response = await app.fetch(request, facts);
    addCommonHeaders(response.headers, facts.requestId);
    return response;
  };
}
