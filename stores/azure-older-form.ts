import { type CompatResponse, type RequestPolicy, toHttpHeadersLike } from '@azure/core-http-compat';
import { createHttpHeaders, createPipelineRequest, type HttpClient } from '@azure/core-rest-pipeline';

/** The clients of Azure Storage speak to who sends for them in an older form of request and answer than all others: the same, translated. */
export const olderForm = (httpClient: HttpClient): RequestPolicy => ({
  async sendRequest(older): Promise<CompatResponse> {
    const { url, method, body, abortSignal, timeout, requestId, streamResponseStatusCodes, onUploadProgress, onDownloadProgress } = older;
    const request = createPipelineRequest({
      url,
      method,
      timeout,
      requestId,
      headers: createHttpHeaders(older.headers.toJson({ preserveCase: true })),
      ...(body === undefined ? {} : { body }),
      ...(abortSignal ? { abortSignal } : {}),
      ...(streamResponseStatusCodes ? { streamResponseStatusCodes } : {}),
      ...(onUploadProgress ? { onUploadProgress } : {}),
      ...(onDownloadProgress ? { onDownloadProgress } : {}),
    });
    const response = await httpClient.sendRequest(request);
    return { ...response, request: older, headers: toHttpHeadersLike(response.headers) };
  },
});
