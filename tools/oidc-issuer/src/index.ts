export { createTestBrowser, type TestBrowser, type TestPage } from "./test-browser.ts";
export { findFreePort, startTestIssuer, type TestIssuer, type TestIssuerOptions } from "./test-issuer.ts";
