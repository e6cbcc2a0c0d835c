namespace EscNative.Tests.Cuda;

/// <summary>A function of a C library, as one side declares it.</summary>
/// <param name="Name">The symbol, with its version.</param>
/// <param name="Result">What it returns, in the words of C++.</param>
/// <param name="Parameters">Its parameters' types, in the words of C++.</param>
internal sealed record CudaFunctionDeclaration(string Name, string Result, string[] Parameters);
