Console.WriteLine("escnative");
