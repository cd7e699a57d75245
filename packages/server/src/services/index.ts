export { createServicesApp, type ServiceFacts, type ServicesApp, type ServicesAppDeps } from "./create-services-app.ts";
