import { randomUUID } from 'node:crypto';

/** An answer that is no success, in the manager’s own form. */
export class ApiError extends Error {
  readonly status: number;
  readonly body: Record<string, unknown>;

  constructor(status: number, code: number, codeDesc: string, message: string) {
    super(message);
    this.status = status;
    this.body = { code, codeDesc, message, requestID: randomUUID() };
  }
}

export const unauthorized = (message = 'Wrong username or password.') => new ApiError(401, 5, 'NCERRUnauthorizedAccess: Unauthorized', message);
export const forbidden = (message: string) => new ApiError(403, 4, 'NCERRInsufficientPermissions: Insufficient permissions', message);
export const badRequest = (message: string) => new ApiError(400, 15, 'NCERRBadRequest: Bad HTTP request', message);
export const badValue = (message: string) => new ApiError(400, 9, 'NCERRInvalidParamValue: Invalid parameter', message);
export const notFound = () => new ApiError(404, 16, 'NCERRResourceNotFound: Resource not found', 'Resource not found');
export const notAllowed = () => new ApiError(405, 17, 'NCERRMethodNotAllowed: Method not allowed', 'Method not allowed');
export const conflict = (message: string) => new ApiError(409, 10, 'NCERRConflict: Resource already exists', message);
export const serverError = (message: string) => new ApiError(500, 14, 'NCERRInternalServerError: unexpected error', message);
export const unavailable = () => new ApiError(503, 1, 'NCERRServiceUnavailable: Service unavailable', 'Services are starting');
